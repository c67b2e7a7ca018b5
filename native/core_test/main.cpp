// sam_core_test: the core without Node. Checks the model, the losses and the training against fixtures made
// with transformers, times itself, and says what it found. For sanitizers, profilers, GPUs, and machines
// without Node.
#include <ATen/Context.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "core_test/checks.h"
#include "core_test/machine.h"
#include "device/cuda.h"
#include "weights/image_encoders.h"

namespace sam::core_test {
namespace {

constexpr const char* kUsage = R"(sam_core_test [options]
  --fixtures DIR       folder of parity.safetensors [test/fixtures]
  --device cpu|cuda|cuda:N
                       where to run [cpu]
  --encoder FILE.pt    a TorchScript encoder to try and time too
  --only A,B           of device, decoder, losses, training, updates, moves, softmax, vit, kernels, half, script,
                       encoder, cache, threads, prediction, memory, other-gpu, timings [all of these], and of
                       rates, encoding, decoding, recipe: what a visit to a GPU times
  --sizes A,B          of ViT-B, ViT-L, ViT-H: what encoding and recipe run, with drawn weights [ViT-B]
  --images N           of recipe [64]
  --cudnn-attention    leave LibTorch the attention of cuDNN, which the addon does without
  --break PART         leave out a part, to see the checks fail: positions, missing or weight-decay
  --write-inputs DIR   write the fixtures' weights.safetensors, model.safetensors (with a tiny ViT),
                       model-meta.safetensors and embeddings.safetensors there, and nothing else
  --json               one JSON object on stdout; the readable lines go to stderr
Exit status: 0 all checks passed; 1 not, or something went wrong; 2 wrong call.
)";

struct Family {
  std::string_view name;
  void (*run)(const Context&);
  bool usual = true;  // part of what runs without --only
};

constexpr std::array kFamilies = {
    Family{"device", check_device},
    Family{"decoder", check_decoder},
    Family{"losses", check_losses},
    Family{"training", check_training},
    Family{"updates", check_updates},
    Family{"moves", check_moves},
    Family{"softmax", check_softmax},
    Family{"vit", check_vit},
    Family{"kernels", check_kernels},
    Family{"half", check_half_encoders},
    Family{"script", check_scripts},
    Family{"encoder", check_encoder_file},
    Family{"cache", check_cache},
    Family{"threads", check_threads},
    Family{"prediction", check_prediction},
    Family{"memory", check_memory},
    Family{"other-gpu", check_other_gpu},
    Family{"timings", measure},
    Family{"rates", measure_rates, /*usual=*/false},
    Family{"encoding", measure_encoding, /*usual=*/false},
    Family{"decoding", measure_decoding, /*usual=*/false},
    Family{"recipe", measure_recipe, /*usual=*/false},
};

struct Settings {
  std::string fixtures = "test/fixtures", device = "cpu", encoder, write_inputs;
  std::set<std::string> only;
  std::vector<std::string> sizes = {"ViT-B"};
  int64_t images = 64;
  Broken broken = Broken::kNothing;
  bool json = false, cudnn_attention = false;
};

// Nothing where a name is none of `known`.
template <typename Known>
std::optional<std::vector<std::string>> parse_names(const std::string& list, const Known& known) {
  std::vector<std::string> names;
  std::istringstream text(list);
  for (std::string name; std::getline(text, name, ',');) {
    const auto same = [&](const auto& one) { return one.name == name; };
    if (std::none_of(known.begin(), known.end(), same)) return std::nullopt;
    names.push_back(name);
  }
  return names;
}

// 0 where the text is no number of images.
int64_t parse_images(const std::string& text) {
  const bool number =
      !text.empty() && text.size() < 5 && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::stoll(text) : 0;
}

std::optional<Broken> parse_broken(std::string_view part) {
  if (part == "positions") return Broken::kPositions;
  if (part == "missing") return Broken::kMissing;
  if (part == "weight-decay") return Broken::kWeightDecay;
  return std::nullopt;
}

// `cpu`, `cuda` or `cuda:N`
bool is_device(std::string_view name) {
  constexpr std::string_view kNumbered = "cuda:";
  if (!name.starts_with(kNumbered)) return name == "cpu" || name == "cuda";
  const std::string_view index = name.substr(kNumbered.size());
  return (index.size() == 1 || index.size() == 2) &&
         index.find_first_not_of("0123456789") == std::string_view::npos;
}

// Nothing where the call is wrong.
std::optional<Settings> parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--json") {
      settings.json = true;
      continue;
    }
    if (flag == "--cudnn-attention") {
      settings.cudnn_attention = true;
      continue;
    }
    if (++i == argc) return std::nullopt;
    const std::string value = argv[i];
    if (flag == "--fixtures") {
      settings.fixtures = value;
    } else if (flag == "--device" && is_device(value)) {
      settings.device = value;
    } else if (flag == "--encoder") {
      settings.encoder = value;
    } else if (flag == "--write-inputs") {
      settings.write_inputs = value;
    } else if (const auto only = parse_names(value, kFamilies); flag == "--only" && only) {
      settings.only = {only->begin(), only->end()};
    } else if (const auto sizes = parse_names(value, kViTSizes); flag == "--sizes" && sizes) {
      settings.sizes = *sizes;
    } else if (flag == "--images" && parse_images(value) > 0) {
      settings.images = parse_images(value);
    } else if (flag == "--break" && parse_broken(value)) {
      settings.broken = *parse_broken(value);
    } else {
      return std::nullopt;
    }
  }
  return settings;
}

at::Device open_device(const std::string& name) {
  const at::Device device(name);
  if (device.is_cpu()) return device;
  const at::Device gpu(at::kCUDA, device.has_index() ? device.index() : static_cast<c10::DeviceIndex>(0));
  require_cuda(gpu.index());
  return gpu;
}

void write_inputs(const Context& context, const std::filesystem::path& folder) {
  write_safetensors((folder / "weights.safetensors").string(),
                    random_weights(context.parameters, false, false));
  for (const bool meta : {false, true}) {
    StateDict model = random_weights(context.parameters, meta, false);
    model.merge(random_vit_weights(context.vit_parameters, meta));
    write_safetensors((folder / (meta ? "model-meta.safetensors" : "model.safetensors")).string(), model);
  }
  write_safetensors((folder / "embeddings.safetensors").string(),
                    {{"embeddings", context.embeddings.narrow(0, 0, 2).cpu().contiguous()}});
}

bool run(const Settings& settings) {
  std::ostream& lines = settings.json ? std::cerr : std::cout;
  Report report(lines);
  const at::Device device = open_device(settings.device);
  if (settings.cudnn_attention) at::globalContext().setSDPUseCuDNN(true);
  Context context = make_context(settings.fixtures, device, settings.broken, report);
  context.encoder_path = settings.encoder;
  context.sizes = settings.sizes;
  context.images = settings.images;
  if (!settings.write_inputs.empty()) {
    write_inputs(context, settings.write_inputs);
    return true;
  }
  report.attempt("machine", [&] { describe_machine(device, report); });
  for (const Family& family : kFamilies) {
    const std::string name(family.name);
    const bool wanted = settings.only.empty() ? family.usual : settings.only.contains(name);
    if (wanted) report.attempt(name + "/completed", [&] { family.run(context); });
  }
  lines << (report.ok() ? "all checks passed" : "checks FAILED") << std::endl;
  if (settings.json) report.print_json(std::cout, context.device.str());
  return report.ok();
}

}  // namespace
}  // namespace sam::core_test

int main(int argc, char** argv) {
  // OpenMP's threads spin while they wait, which starves a busy machine. It reads its setting when it is
  // loaded, so the program starts itself once more with it.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    ::setenv("OMP_WAIT_POLICY", "PASSIVE", /*overwrite=*/1);
    ::execv("/proc/self/exe", argv);
  }
  const auto settings = sam::core_test::parse(argc, argv);
  if (!settings) {
    std::cerr << sam::core_test::kUsage;
    return 2;
  }
  try {
    return sam::core_test::run(*settings) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "sam_core_test: " << error.what() << std::endl;
    return 1;
  }
}
