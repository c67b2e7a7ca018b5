// sam_core_test: the core without Node. Checks the model, the losses and the training against fixtures made
// with transformers, times itself, and says what it found. For sanitizers, profilers, GPUs, and machines
// without Node.
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
#include "device/cuda.h"

namespace sam::core_test {
namespace {

constexpr const char* kUsage = R"(sam_core_test [options]
  --fixtures DIR       folder of parity.safetensors [test/fixtures]
  --device cpu|cuda|cuda:N
                       where to run [cpu]
  --encoder FILE.pt    a TorchScript encoder to try and time too
  --only A,B           of device, decoder, losses, training, softmax, vit, encoder, timings [all]
  --break PART         leave out a part, to see the checks fail: positions, missing or weight-decay
  --write-inputs DIR   write the fixtures' weights.safetensors, model.safetensors (with a tiny ViT),
                       model-meta.safetensors and embeddings.safetensors there, and nothing else
  --json               one JSON object on stdout; the readable lines go to stderr
Exit status: 0 all checks passed; 1 not, or something went wrong; 2 wrong call.
)";

constexpr std::array<std::string_view, 8> kFamilies = {"device",  "decoder", "losses",  "training",
                                                       "softmax", "vit",     "encoder", "timings"};

struct Settings {
  std::string fixtures = "test/fixtures", device = "cpu", encoder, write_inputs;
  std::set<std::string> only;
  Broken broken = Broken::kNothing;
  bool json = false;
};

// Nothing where a name is unknown.
std::optional<std::set<std::string>> parse_families(const std::string& list) {
  std::set<std::string> families;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, ',');) {
    if (std::find(kFamilies.begin(), kFamilies.end(), name) == kFamilies.end()) return std::nullopt;
    families.insert(name);
  }
  return families;
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
    } else if (flag == "--only" && parse_families(value)) {
      settings.only = *parse_families(value);
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

bool run(const Settings& settings) {
  std::ostream& lines = settings.json ? std::cerr : std::cout;
  Report report(lines);
  const Context context =
      make_context(settings.fixtures, open_device(settings.device), settings.broken, report);
  if (!settings.write_inputs.empty()) {
    const std::filesystem::path folder = settings.write_inputs;
    write_safetensors((folder / "weights.safetensors").string(),
                      random_weights(context.parameters, false, false));
    for (const bool meta : {false, true}) {
      StateDict model = random_weights(context.parameters, meta, false);
      model.merge(random_vit_weights(context.vit_parameters, meta));
      write_safetensors((folder / (meta ? "model-meta.safetensors" : "model.safetensors")).string(), model);
    }
    write_safetensors((folder / "embeddings.safetensors").string(),
                      {{"embeddings", context.embeddings.narrow(0, 0, 2).cpu().contiguous()}});
    return true;
  }
  const auto wanted = [&](const char* family) {
    return settings.only.empty() || settings.only.contains(family);
  };
  if (wanted("device")) check_device(context);
  if (wanted("decoder")) check_decoder(context);
  if (wanted("losses")) check_losses(context);
  if (wanted("training")) check_training(context);
  if (wanted("softmax")) check_softmax(context);
  if (wanted("vit")) check_vit(context);
  if (wanted("encoder") && !settings.encoder.empty()) check_encoder(context, settings.encoder);
  if (wanted("timings")) measure(context, settings.encoder);
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
