#include "weights/load_sam.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "model/exact.h"
#include "storage/safetensors.h"

namespace sam {
namespace {

constexpr double kMetaEpsilon = 1e-5;
constexpr double kHuggingFaceEpsilon = 1e-6;

// Every tensor of the two modules under its full name.
StateDict named_tensors(const Sam& sam) {
  StateDict all;
  for (const auto& item : sam.prompt_encoder->named_parameters())
    all[kPromptEncoderPart + item.key()] = item.value();
  for (const auto& item : sam.prompt_encoder->named_buffers())
    all[kPromptEncoderPart + item.key()] = item.value();
  for (const auto& item : sam.mask_decoder->named_parameters())
    all[kMaskDecoderPart + item.key()] = item.value();
  return all;
}

}  // namespace

Shapes prompt_side_shapes() {
  Shapes shapes;
  for (const auto& [name, tensor] : named_tensors(Sam(kMetaEpsilon))) shapes[name] = tensor.sizes().vec();
  return shapes;
}

void load_parts(Sam& sam, ModelWeights& weights, const std::vector<std::string>& parts) {
  const at::NoGradGuard no_grad;
  const auto wanted = [&](const std::string& name) {
    return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return name.starts_with(part); });
  };
  StateDict tensors = named_tensors(sam);
  std::erase_if(tensors, [&](const auto& item) { return !wanted(item.first); });
  Shapes needed;
  for (const auto& [name, tensor] : tensors) needed[name] = tensor.sizes().vec();
  weights.require(needed, parts, /*hint=*/"");
  // All are read before the first is written: a file that fails in between leaves the model as it was.
  StateDict values;
  for (const auto& [name, tensor] : tensors) values[name] = weights.read(name);
  for (auto& [name, tensor] : tensors) at::Tensor(tensor).copy_(values.at(name));
}

std::shared_ptr<Sam> load_sam(const SamFiles& files, at::Device device, at::ScalarType compute_type) {
  ModelWeights weights(files.weights);
  const double epsilon = weights.scheme() == NameScheme::kMeta ? kMetaEpsilon : kHuggingFaceEpsilon;
  auto sam = std::make_shared<Sam>(files.norm_epsilon.value_or(epsilon));
  if (files.decoder.empty()) {
    load_parts(*sam, weights, {kPromptEncoderPart, kMaskDecoderPart});
  } else {
    load_parts(*sam, weights, {kPromptEncoderPart});
    ModelWeights decoder(files.decoder);
    load_parts(*sam, decoder, {kMaskDecoderPart});
  }
  sam->device = device;
  sam->compute_type = compute_type;
  keep_exact(device, compute_type);
  sam->prompt_encoder->to(device);
  sam->mask_decoder->to(device);
  {
    const at::NoGradGuard frozen;
    sam->image_positions = sam->prompt_encoder->image_positions();
  }
  return sam;
}

}  // namespace sam
