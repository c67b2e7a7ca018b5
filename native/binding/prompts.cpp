#include "binding/prompts.h"

#include <ATen/ATen.h>

#include "device/cuda.h"
#include "error.h"

namespace sam::binding {
namespace {

void check_labels(const at::Tensor& labels) {
  const auto* data = labels.data_ptr<int64_t>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    const int64_t label = data[i];
    if (label != 0 && label != 1 && label != kNotAPoint && label != kZeroToken && label != kMissing)
      throw Error("SAM_BAD_ARGUMENT", "prompts.pointLabels holds " + std::to_string(label) +
                                          "; a label is 1, 0, -1, -10 or -100 (see binding.d.ts)");
  }
}

}  // namespace

Prompts read_prompts(const Arguments& batch) {
  Prompts prompts;
  const int64_t images = prompts.images = batch.whole("images", 1);
  const int64_t per_image = prompts.per_image = batch.whole("promptsPerImage", 1);
  const int64_t points = batch.whole("pointsPerPrompt", 0);
  if (points > 0) {
    prompts.points = batch.floats("points", {images, per_image, points, 2});
    prompts.labels = batch.ints("pointLabels", {images, per_image, points});
    check_labels(prompts.labels);
  }
  prompts.any_missing = points > 0 && prompts.labels.eq(kMissing).any().item<bool>();
  if (batch.has("boxes")) prompts.boxes = batch.floats("boxes", {images, per_image, 4});
  if (batch.has("masks"))
    prompts.masks = batch.floats("masks", {images, per_image, kLowResSize, kLowResSize});
  if (batch.has("promptPresent"))
    prompts.present = batch.bytes("promptPresent", {images, per_image}).to(at::kBool);
  return prompts;
}

MaskOutput read_mask_output(const Arguments& from) {
  return from.choice("maskOutput", {"single", "multi"}) == 0 ? MaskOutput::kSingle : MaskOutput::kMulti;
}

Selection read_selection(const Arguments& from) {
  const size_t multi_mask = from.choice("multiMask", {"best", "mean"});
  return {read_mask_output(from), multi_mask == 0 ? MultiMask::kBest : MultiMask::kMean};
}

at::ScalarType read_precision(const Arguments& from) {
  constexpr at::ScalarType kTypes[] = {at::kFloat, at::kBFloat16, at::kHalf};
  return kTypes[from.choice("precision", {"fp32", "bf16", "fp16"})];
}

at::Device read_device(const Arguments& from) {
  const std::string name = from.text("device");
  if (name == "cpu") return at::kCPU;
  const bool numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() < 8 &&
                        name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !numbered)
    throw Error("SAM_BAD_ARGUMENT", "device must be cpu, cuda or cuda:N, not '" + name + "'");
  const int index = numbered ? std::stoi(name.substr(5)) : 0;
  require_cuda(index);
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

std::vector<at::Tensor*> tensors_of(Prompts& prompts) {
  return {&prompts.points, &prompts.labels, &prompts.boxes, &prompts.masks, &prompts.present};
}

at::Tensor embeddings_on_device(const at::Tensor& embeddings, at::Device device) {
  return embeddings.to(device, /*non_blocking=*/true).to(at::kFloat);
}

}  // namespace sam::binding
