#include <ATen/ATen.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <random>

#include "core_test/checks.h"
#include "error.h"

namespace sam::core_test {

TemporaryFile::TemporaryFile(const std::string& extension)
    : path_((std::filesystem::temp_directory_path() /
             ("sam_core_test-" + std::to_string(std::random_device{}()) + extension))
                .string()) {}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

StepOptions update_with(double learning_rate) {
  StepOptions options;
  options.learning_rate = learning_rate;
  return options;
}

StepOptions gradients_only() {
  StepOptions options;
  options.update = false;
  return options;
}

TrainerOptions options_of(const Context& context, const std::string& run) {
  const int64_t* settings = context.at(run + "/settings").const_data_ptr<int64_t>();
  const float* weights = context.at(run + "/weights").const_data_ptr<float>();
  TrainerOptions options;
  const double decay = context.at(run + "/weight_decay").item<double>();
  options.weight_decay = context.broken == Broken::kWeightDecay ? 0 : decay;
  for (size_t i = 0; i < kLosses.size(); ++i) options.loss.*kLosses[i].weight = weights[i];
  options.selection = {settings[0] != 0 ? MaskOutput::kMulti : MaskOutput::kSingle,
                       settings[1] != 0 ? MultiMask::kBest : MultiMask::kMean};
  return options;
}

double difference(const at::Tensor& ours, const at::Tensor& reference) {
  if (ours.sizes() != reference.sizes()) return std::numeric_limits<double>::quiet_NaN();
  return (ours.detach().to(at::kCPU, at::kDouble) - reference.to(at::kCPU, at::kDouble))
      .abs()
      .max()
      .item<double>();
}

double relative(double ours, double reference) { return std::abs(ours - reference) / std::abs(reference); }

double angle(const at::Tensor& ours, const at::Tensor& reference) {
  const at::Tensor a = ours.detach().to(at::kCPU, at::kDouble).flatten();
  const at::Tensor b = reference.detach().to(at::kCPU, at::kDouble).flatten();
  return 1 - (a.dot(b) / (a.norm() * b.norm())).item<double>();
}

const at::Tensor& Context::at(const std::string& name) const {
  const auto found = fixture.find(name);
  if (found == fixture.end()) throw Error("SAM_BAD_CHECKPOINT", "the fixtures have no tensor " + name);
  return found->second;
}

std::vector<std::string> Context::cases(const std::string& prefix) const {
  const std::string suffix = "/settings";
  std::vector<std::string> names;
  for (const auto& [name, tensor] : fixture)
    if (name.starts_with(prefix) && name.ends_with(suffix))
      names.push_back(name.substr(0, name.size() - suffix.size()));
  if (names.empty()) throw Error("SAM_BAD_CHECKPOINT", "the fixtures have no case " + prefix + "*");
  return names;
}

Prompts Context::prompts(const std::string& name, int64_t first, int64_t count) const {
  const auto part = [&](const char* what) {
    const auto found = fixture.find(name + "/" + what);
    return found == fixture.end() ? at::Tensor() : found->second.narrow(0, first, count).to(device);
  };
  Prompts prompts;
  prompts.images = count;
  prompts.per_image = 1;
  prompts.points = part("points");
  prompts.boxes = part("boxes");
  if (prompts.points.defined()) {
    prompts.labels = part("labels").to(at::kLong);
    if (broken == Broken::kMissing)
      prompts.labels = prompts.labels.masked_fill(prompts.labels == kMissing, kZeroToken);
    prompts.per_image = prompts.points.size(1);
  }
  if (prompts.boxes.defined()) prompts.per_image = prompts.boxes.size(1);
  if (has(name + "/present")) prompts.present = part("present").to(at::kBool);
  return prompts;
}

std::shared_ptr<Sam> Context::load(bool meta_names, bool quiet_self_attention) const {
  const TemporaryFile file;
  write_safetensors(file.path(), random_weights(parameters, meta_names, quiet_self_attention));
  auto sam = load_sam({file.path(), "", {}}, device, at::kFloat);
  if (broken == Broken::kPositions) sam->image_positions = at::zeros_like(sam->image_positions);
  return sam;
}

Batch Context::batch(const std::string& name, int64_t first, int64_t count) const {
  const std::string valid = has(name + "/valid_sizes") ? name + "/valid_sizes" : "valid_sizes";
  Batch batch;
  batch.embeddings = embeddings.narrow(0, first, count);
  batch.prompts = prompts(name, first, count);
  batch.targets = disk_masks(at("disks")).narrow(0, first, count).to(device, at::kByte);
  batch.valid = at(valid).narrow(0, first, count).to(device);
  return batch;
}

std::vector<Batch> Context::batches(const std::string& run) const {
  const at::Tensor& rows = at(run + "/batches");
  std::vector<Batch> all;
  for (int64_t i = 0; i < rows.size(0); ++i)
    all.push_back(batch(run, rows[i][0].item<int64_t>(), rows[i][1].item<int64_t>()));
  return all;
}

Context make_context(const std::string& fixtures, at::Device device, Broken broken, Report& report) {
  Context context;
  Metadata metadata;
  context.fixture =
      read_safetensors((std::filesystem::path(fixtures) / "parity.safetensors").string(), &metadata);
  context.parameters = parse_parameters(metadata["parameters"]);
  context.vit_parameters = parse_parameters(metadata["vit_parameters"]);
  context.embeddings = synthetic_embeddings(context.at("disks")).to(device);
  context.device = device;
  context.broken = broken;
  context.report = &report;
  return context;
}

Context moved(const Context& context, at::Device device) {
  Context other = context;
  other.device = device;
  other.embeddings = context.embeddings.to(device);
  return other;
}

}  // namespace sam::core_test
