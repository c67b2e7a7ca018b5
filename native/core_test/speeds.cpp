// The timings that a visit to a GPU is made for, all on drawn weights, which change none: encoders in every
// type, steps and prompts of several sizes, and the whole job on some images.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "core_test/checks.h"
#include "core_test/stopwatch.h"
#include "encoder/load_encoder.h"
#include "encoder/preprocess.h"
#include "storage/embedding_cache.h"
#include "weights/random_weights.h"

namespace sam::core_test {
namespace {

// On a CPU these are for rehearsal.
int rounds_on(at::Device device) { return device.is_cpu() ? 1 : 10; }

// Points at random, `images` x `prompts` x `points`, and a target for each image.
Batch drawn_batch(at::Device device, int64_t images, int64_t prompts, int64_t points) {
  const at::TensorOptions options(device);
  Batch batch;
  batch.embeddings = at::randn({images, kEmbeddingDim, kEmbeddingSize, kEmbeddingSize}, options) / 10;
  batch.prompts.images = images;
  batch.prompts.per_image = prompts;
  batch.prompts.points = at::rand({images, prompts, points, 2}, options) * kModelSize;
  batch.prompts.labels = at::ones({images, prompts, points}, options.dtype(at::kLong));
  batch.prompts.any_missing = false;
  batch.targets = (at::rand({images, kLowResSize, kLowResSize}, options) > 0.6).to(at::kByte);
  batch.valid = at::full({images, 2}, kLowResSize, options.dtype(at::kLong));
  return batch;
}

// Three points: joint ones are one prompt with three masks, separate ones three with a mask each, of which
// the best learns. Dice and cross entropy, as scripts/bench-transformers.py.
TrainerOptions options_for(bool joint) {
  TrainerOptions options;
  options.loss = {.dice = 1, .bce = 1};
  options.selection = {joint ? MaskOutput::kMulti : MaskOutput::kSingle, MultiMask::kBest};
  return options;
}

void measure_encoder(const Context& context, const std::string& size, const std::string& weights,
                     const NamedType& type) {
  const std::string name = "encoding/" + size + "/" + type.first;
  reset_peak_memory(context.device);
  const auto encoder = load_encoder(weights, context.device, type.second, /*check=*/false);
  for (const int64_t images : {1, 4}) {
    if (images > 1 && context.device.is_cpu()) continue;
    const at::Tensor pictures = at::randn({images, 3, kModelSize, kModelSize}, context.embeddings.options());
    const double ms =
        median_milliseconds(context.device, rounds_on(context.device), [&] { encoder->encode(pictures); });
    context.report->timing(name + "/" + std::to_string(images), ms);
  }
  context.report->measure(name + "/peak-memory", peak_memory_gib(context.device), "GiB");
}

void measure_steps(const Context& context, const NamedType& type, bool joint, int64_t images) {
  const auto sam = context.load();
  sam->compute_type = type.second;
  Trainer trainer(sam, options_for(joint));
  const Batch batch = drawn_batch(context.device, images, joint ? 1 : 3, joint ? 3 : 1);
  const std::string name = std::string("decoding/step-") + (joint ? "joint/" : "separate/") + type.first +
                           "/" + std::to_string(images);
  reset_peak_memory(context.device);
  const double ms = median_milliseconds(context.device, rounds_on(context.device),
                                        [&] { trainer.step(batch, update_with(1e-6)); });
  context.report->timing(name, ms);
  context.report->measure(name + "/peak-memory", peak_memory_gib(context.device), "GiB");
}

void measure_prompts(const Context& context, const NamedType& type, int64_t prompts) {
  const at::NoGradGuard no_grad;
  const auto sam = context.load();
  sam->compute_type = type.second;
  const Batch batch = drawn_batch(context.device, 1, prompts, 1);
  const double ms = median_milliseconds(context.device, rounds_on(context.device), [&] {
    sam->decode(batch.embeddings, batch.prompts, MaskOutput::kMulti);
  });
  context.report->timing(std::string("decoding/prompts/") + type.first + "/" + std::to_string(prompts), ms);
}

// The type that `--precision auto` takes on most GPUs.
constexpr NamedType kRecipeType = {"bf16", at::kBFloat16};

// The whole job as `sam-native train` does it, without decoding files: every image is encoded once and
// stored, epochs read what is stored.
void measure_job(const Context& context, const std::string& size, const std::string& weights) {
  const int64_t at_once = std::min<int64_t>(4, context.images);
  const auto folder = std::filesystem::temp_directory_path() /
                      ("sam_core_test-job-" + std::to_string(std::random_device{}()));
  const std::string name = "recipe/" + size + "/" + kRecipeType.first + "/";
  const at::Tensor picture = synthetic_picture();
  const auto key = [](int64_t i) { return "image-" + std::to_string(1000 + i); };
  EmbeddingCache cache(folder.string(), at::kHalf, context.device.is_cuda());
  {
    const at::NoGradGuard no_grad;
    const auto encoder = load_encoder(weights, context.device, kRecipeType.second, /*check=*/false);
    encoder->encode(preprocess(picture));  // warm-up
    synchronize(context.device);
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < context.images; ++i)
      cache.write(key(i), encoder->encode(preprocess(at::roll(picture, {i}, {0}))).cpu());
    cache.flush();
    context.report->timing(name + "encode-all", milliseconds_since(start));
  }
  const auto sam = context.load();
  sam->compute_type = kRecipeType.second;
  Trainer trainer(sam, options_for(/*joint=*/true));
  Batch batch = drawn_batch(context.device, at_once, 1, 3);
  const auto epoch = [&](const auto& work) {
    for (int64_t first = 0; first < context.images; first += at_once) {
      std::vector<std::string> keys;
      for (int64_t i = 0; i < at_once; ++i) keys.push_back(key((first + i) % context.images));
      batch.embeddings = cache.read(keys).to(context.device, /*non_blocking=*/true).to(at::kFloat);
      work();
    }
  };
  const int rounds = context.device.is_cpu() ? 1 : 3;
  const double trained = median_milliseconds(context.device, rounds,
                                             [&] { epoch([&] { trainer.step(batch, update_with(1e-6)); }); });
  const double validated =
      median_milliseconds(context.device, rounds, [&] { epoch([&] { trainer.validate(batch); }); });
  context.report->timing(name + "train-epoch", trained);
  context.report->timing(name + "validate-epoch", validated);
  context.report->measure(name + "images", static_cast<double>(context.images), "images");
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

// `work` for each of --sizes, with a file of weights that goes again.
template <typename Work>
void for_each_size(const Context& context, const Work& work) {
  for (const std::string& size : context.sizes) {
    const TemporaryFile weights;
    write_random_weights(size, /*seed=*/1, weights.path());
    work(size, weights.path());
  }
}

}  // namespace

void measure_encoding(const Context& context) {
  const at::NoGradGuard no_grad;
  for_each_size(context, [&](const std::string& size, const std::string& weights) {
    for (const NamedType& type : all_types(context.device))
      context.report->attempt("encoding/" + size + "/" + type.first,
                              [&] { measure_encoder(context, size, weights, type); });
  });
}

void measure_decoding(const Context& context) {
  const bool rehearsal = context.device.is_cpu();
  for (const NamedType& type : all_types(context.device)) {
    for (const bool joint : {true, false})
      for (const int64_t images : rehearsal ? std::vector<int64_t>{4} : std::vector<int64_t>{4, 8, 16})
        context.report->attempt("decoding/step", [&] { measure_steps(context, type, joint, images); });
    for (const int64_t prompts : {1, 64})
      context.report->attempt("decoding/prompts", [&] { measure_prompts(context, type, prompts); });
  }
}

void measure_recipe(const Context& context) {
  for_each_size(context, [&](const std::string& size, const std::string& weights) {
    context.report->attempt("recipe/" + size, [&] { measure_job(context, size, weights); });
  });
}

}  // namespace sam::core_test
