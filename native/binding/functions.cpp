#include "binding/functions.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>

#include "binding/arguments.h"
#include "binding/handles.h"
#include "binding/prompts.h"
#include "binding/task.h"
#include "device/cuda.h"
#include "device/cuda_driver.h"
#include "device/cuda_library.h"
#include "encoder/load_encoder.h"
#include "export/decoder_script.h"
#include "export/export_encoder.h"
#include "export/export_weights.h"
#include "weights/convert.h"
#include "weights/inspect.h"
#include "weights/load_sam.h"
#include "weights/random_weights.h"

namespace sam::binding {
namespace {

// `major.minor` of the LibTorch that is loaded, which may not be the one compiled for.
std::string loaded_version() {
  const uint64_t version = aoti_torch_abi_version();  // two bytes: major, minor, on top
  return std::to_string(version >> 56) + "." + std::to_string((version >> 48) & 0xFF);
}

bool has_fast_bf16() {
#if defined(__x86_64__)
  // ATEN_CPU_CAPABILITY may tell LibTorch to do with less than the processor has.
  const std::string used = at::get_cpu_capability();
  const bool held_back = used == "AVX2" || used == "DEFAULT" || used == "NO AVX";
  return !held_back && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

// What `probeCuda` asks: nothing of CUDA (false), what is there (true), or besides whether one GPU computes
// (its number).
struct CudaProbe {
  bool asked = false;
  std::optional<uint32_t> gpu;
};

CudaProbe read_probe(const Napi::Value& value) {
  if (value.IsUndefined()) return {};
  const Arguments options(value, "options");
  if (options.has("probeCuda") && options.value("probeCuda").IsNumber())
    return {true, static_cast<uint32_t>(options.whole("probeCuda", 0))};
  return {options.flag("probeCuda", false), std::nullopt};
}

Napi::Object describe_cuda(Napi::Env env, const CudaProbe& probe) {
  Napi::Object cuda = Napi::Object::New(env);
  Napi::Array devices = Napi::Array::New(env);
  const bool available = probe.asked && cuda_available();
  cuda.Set("library", Napi::Boolean::New(env, probe.asked && load_cuda_library()));
  cuda.Set("available", Napi::Boolean::New(env, available));
  if (probe.asked) {
    for (const CudaDevice& device : cuda_devices()) {
      Napi::Object item = Napi::Object::New(env);
      item.Set("name", Napi::String::New(env, device.name));
      item.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(device.memory_bytes)));
      item.Set("capability", Napi::String::New(env, device.capability));
      const uint32_t index = devices.Length();
      const auto problem =
          available && probe.gpu == index ? cuda_problem(static_cast<int>(index)) : std::nullopt;
      if (problem) item.Set("problem", Napi::String::New(env, *problem));
      devices[index] = item;
    }
  }
  cuda.Set("devices", devices);
  return cuda;
}

SamFiles read_files(const Arguments& options) {
  SamFiles files{options.text("weights"), options.text("decoder", ""), {}};
  if (options.has("normEpsilon")) files.norm_epsilon = options.number("normEpsilon");
  return files;
}

WeightsExport read_weights_export(const Arguments& options, NameScheme names) {
  WeightsExport wanted;
  wanted.weights = options.text("weights");
  wanted.encoder = options.text("encoder", "");
  wanted.decoder = options.text("decoder", "");
  wanted.with_encoder = !options.has("part") || options.choice("part", {"decoder"}) != 0;
  wanted.names = names;
  const bool pth = options.has("container") && options.choice("container", {"safetensors", "pth"}) == 1;
  wanted.container = pth ? Container::kPth : Container::kSafetensors;
  wanted.output = options.text("output");
  return wanted;
}

Napi::Value export_script(Napi::Env env, const Arguments& options) {
  const std::string output = options.text("output");
  SamFiles files = read_files(options);
  if (options.has("part") && options.choice("part", {"encoder", "decoder"}) == 1)
    return run_task(env, LaneKind::kCompute,
                    [files = std::move(files), output] { sam::export_decoder(files, output); });
  return run_task(env, LaneKind::kCompute,
                  [weights = files.weights, output] { sam::export_encoder(weights, output); });
}

}  // namespace

Napi::Value info(const Napi::CallbackInfo& call) {
  return guarded(call.Env(), [&] {
    const Napi::Env env = call.Env();
    const CudaProbe probe = read_probe(call[0]);
    const int threads = compute_threads.load();
    Napi::Object out = Napi::Object::New(env);
    out.Set("compiledFor", Napi::String::New(env, SAM_TORCH_VERSION));
    out.Set("torch", Napi::String::New(env, loaded_version()));
    out.Set("fastBf16", Napi::Boolean::New(env, has_fast_bf16()));
    out.Set("threads", Napi::Number::New(env, threads > 0 ? threads : at::get_num_threads()));
    out.Set("liveHandles", Napi::Number::New(env, static_cast<double>(live_handles.load())));
    out.Set("cuda", describe_cuda(env, probe));
    return out;
  });
}

Napi::Value set_threads(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
    if (threads < 1 || threads > 1024 || threads != static_cast<int>(threads))
      throw Error("SAM_BAD_ARGUMENT", "threads must be a whole number from 1 to 1024");
    compute_threads = static_cast<int>(threads);
    return info.Env().Undefined();
  });
}

Napi::Value convert_weights(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(info.Env(), LaneKind::kData,
                    [weights = options.text("weights"), decoder = options.text("decoder", ""),
                     output = options.text("output")] { sam::convert_weights(weights, decoder, output); });
  });
}

Napi::Value random_weights(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(info.Env(), LaneKind::kData,
                    [encoder = options.text("encoder"), seed = options.whole("seed", 0),
                     output = options.text("output")] { write_random_weights(encoder, seed, output); });
  });
}

Napi::Value inspect_weights(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(
        info.Env(), LaneKind::kData, [path = options.text("path")] { return sam::inspect_weights(path); },
        [](Napi::Env env, const Inspected& found) -> Napi::Value {
          Napi::Object out = Napi::Object::New(env);
          out.Set("names",
                  Napi::String::New(env, found.scheme == NameScheme::kMeta ? "meta" : "hugging-face"));
          out.Set("promptEncoder", Napi::Boolean::New(env, found.prompt_encoder));
          out.Set("maskDecoder", Napi::Boolean::New(env, found.mask_decoder));
          out.Set("encoder", found.encoder.kind == EncoderKind::kNone
                                 ? env.Null()
                                 : Napi::String::New(env, found.encoder.name()));
          out.Set("buildable", Napi::Boolean::New(env, found.encoder.buildable()));
          return out;
        });
  });
}

Napi::Value export_model(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    const size_t format = options.choice("format", {"torchscript", "hf", "meta"});
    if (format == 0) return export_script(info.Env(), options);
    const NameScheme names = format == 1 ? NameScheme::kHuggingFace : NameScheme::kMeta;
    return run_task(info.Env(), LaneKind::kData,
                    [wanted = read_weights_export(options, names)] { sam::export_weights(wanted); });
  });
}

Napi::Value decode_script(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    const int64_t prompts = options.whole("prompts", 1), points = options.whole("pointsPerPrompt", 0);
    ScriptPrompts given{options.floats("points", {prompts, points, 2}),
                        options.ints("pointLabels", {prompts, points}), at::Tensor()};
    if (options.has("masks")) given.masks = options.floats("masks", {prompts, 1, kLowResSize, kLowResSize});
    return run_task(
        info.Env(), LaneKind::kCompute,
        [path = options.text("path"), given = std::move(given),
         embeddings = EmbeddingsHandle::unwrap(options.value("embeddings"), "embeddings")] {
          return run_decoder_script(path, embeddings_on_device(*embeddings, at::kCPU), given);
        },
        wrap_masks);
  });
}

Napi::Value load_encoder(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(
        info.Env(), LaneKind::kCompute,
        [path = options.text("path"), device = read_device(options), type = read_precision(options),
         check = options.flag("check", true)] {
          return std::shared_ptr<ImageEncoder>(sam::load_encoder(path, device, type, check));
        },
        [](Napi::Env env, std::shared_ptr<ImageEncoder> encoder) -> Napi::Value {
          return ImageEncoderHandle::wrap(env, std::move(encoder));
        });
  });
}

Napi::Value load_model(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(
        info.Env(), LaneKind::kCompute,
        [files = read_files(options), device = read_device(options), type = read_precision(options)] {
          return load_sam(files, device, type);
        },
        [](Napi::Env env, std::shared_ptr<Sam> sam) -> Napi::Value {
          return SamModelHandle::wrap(env, std::move(sam));
        });
  });
}

Napi::Value open_cache(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    return run_task(
        info.Env(), LaneKind::kData,
        [directory = options.text("directory"), type = read_precision(options),
         pinned = options.has("device") && read_device(options).is_cuda()] {
          return std::make_shared<EmbeddingCache>(directory, type, pinned);
        },
        [](Napi::Env env, std::shared_ptr<EmbeddingCache> cache) -> Napi::Value {
          return EmbeddingCacheHandle::wrap(env, std::move(cache));
        });
  });
}

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto sam = SamModelHandle::unwrap(info[0], "model");
    const Arguments options(info[1], "options");
    const Arguments weights = options.object("loss");
    TrainerOptions trainer;
    trainer.weight_decay = options.number("weightDecay");
    for (const Loss& loss : kLosses)
      if (weights.has(loss.name)) trainer.loss.*loss.weight = weights.number(loss.name);
    trainer.selection = read_selection(options.object("selection"));
    return TrainerHandle::wrap(
        info.Env(), std::make_shared<TrainerState>(TrainerState{Trainer(sam, trainer), sam->device}));
  });
}

Napi::Value embeddings_from(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor values = floats_of(info[0], "values");
    constexpr int64_t kNumbers = kEmbeddingDim * kEmbeddingSize * kEmbeddingSize;
    if (values.numel() == 0 || values.numel() % kNumbers != 0)
      throw Error("SAM_BAD_SHAPE",
                  "values must hold B x 256 x 64 x 64 numbers, not " + std::to_string(values.numel()));
    return wrap_embeddings(info.Env(), values.view({-1, kEmbeddingDim, kEmbeddingSize, kEmbeddingSize}));
  });
}

Napi::Value save_tensors(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    const auto names = options.texts("names");
    std::vector<int64_t> shape = {static_cast<int64_t>(names.size())};
    const Napi::Value sides = options.value("shape");
    if (!sides.IsArray()) throw Error("SAM_BAD_ARGUMENT", "options.shape must be an array of numbers");
    for (uint32_t i = 0; i < sides.As<Napi::Array>().Length(); ++i)
      shape.push_back(Napi::Value(sides.As<Napi::Array>()[i]).ToNumber().Int64Value());
    const at::Tensor values = options.floats("values", shape);
    return run_task(info.Env(), LaneKind::kData, [path = options.text("path"), names, values] {
      StateDict tensors;
      for (size_t i = 0; i < names.size(); ++i) tensors[names[i]] = values[static_cast<int64_t>(i)];
      write_safetensors(path, tensors);
    });
  });
}

}  // namespace sam::binding
