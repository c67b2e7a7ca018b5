#include "model/sam.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DeviceGuard.h>

#include "model/autocast.h"

namespace sam {
Sam::Sam(double norm_epsilon) : mask_decoder(norm_epsilon) {
  for (at::Tensor& parameter : prompt_encoder->parameters()) parameter.set_requires_grad(false);
}

PromptEmbeddings Sam::embed(const Prompts& prompts) {
  const at::NoGradGuard frozen;
  return prompt_encoder(prompts);
}

Masks Sam::decode(const at::Tensor& image, const Prompts& prompts, MaskOutput output) {
  const c10::OptionalDeviceGuard here(device);
  const PromptEmbeddings embedded = embed(prompts);
  const Autocast autocast(device.type(), compute_type);
  return mask_decoder(image, image_positions, embedded, output);
}

at::Tensor Sam::predict_iou(const at::Tensor& image, const Prompts& prompts, MaskOutput output) {
  const c10::OptionalDeviceGuard here(device);
  const PromptEmbeddings embedded = embed(prompts);
  const Autocast autocast(device.type(), compute_type);
  return mask_decoder->predict_iou(image, image_positions, embedded, output);
}

std::vector<std::pair<std::string, at::Tensor>> Sam::trainable() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const auto& item : mask_decoder->named_parameters())
    all.emplace_back(kMaskDecoderPart + item.key(), item.value());
  return all;
}

}  // namespace sam
