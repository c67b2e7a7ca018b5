#include "model/sam.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>

#include "error.h"
#include "model/autocast.h"
#include "model/checkpoint_names.h"

namespace sam {
namespace {

constexpr double kMetaEpsilon = 1e-5;
constexpr double kHuggingFaceEpsilon = 1e-6;

std::string shape_text(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text.empty() ? "one number" : text;
}

// Every tensor of the two modules under its full name.
StateDict named_tensors(const Sam& sam) {
  StateDict all;
  for (const auto& item : sam.prompt_encoder->named_parameters())
    all["prompt_encoder." + item.key()] = item.value();
  for (const auto& item : sam.prompt_encoder->named_buffers())
    all["prompt_encoder." + item.key()] = item.value();
  for (const auto& item : sam.mask_decoder->named_parameters())
    all["mask_decoder." + item.key()] = item.value();
  return all;
}

}  // namespace

Sam::Sam(double norm_epsilon) : mask_decoder(norm_epsilon) {
  for (at::Tensor& parameter : prompt_encoder->parameters()) parameter.set_requires_grad(false);
}

Masks Sam::decode(const at::Tensor& image, const Prompts& prompts, MaskOutput output) {
  PromptEmbeddings embedded;
  {
    const at::NoGradGuard frozen;
    embedded = prompt_encoder(prompts);
  }
  const Autocast autocast(device.type(), compute_type);
  return mask_decoder(image, image_positions, embedded, output);
}

std::vector<std::pair<std::string, at::Tensor>> Sam::trainable() const {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const auto& item : mask_decoder->named_parameters())
    all.emplace_back("mask_decoder." + item.key(), item.value());
  return all;
}

void load_tensors(Sam& sam, const StateDict& tensors, const std::string& prefix, const std::string& path) {
  const at::NoGradGuard no_grad;
  std::string missing, misshapen;
  for (auto& [name, parameter] : named_tensors(sam)) {
    if (!name.starts_with(prefix)) continue;
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      missing += (missing.empty() ? "" : ", ") + name;
    } else if (found->second.sizes() != parameter.sizes()) {
      misshapen += (misshapen.empty() ? "" : ", ") + name + " is " + shape_text(found->second.sizes()) +
                   " instead of " + shape_text(parameter.sizes());
    } else {
      at::Tensor(parameter).copy_(found->second);
    }
  }
  if (!misshapen.empty()) throw Error("SAM_BAD_CHECKPOINT", path + " is of another model: " + misshapen);
  if (!missing.empty()) throw Error("SAM_BAD_CHECKPOINT", path + " lacks tensors of SAM: " + missing);
}

std::shared_ptr<Sam> load_sam(const std::string& weights, const std::string& decoder, at::Device device,
                              at::ScalarType compute_type) {
  const StateDict raw = read_safetensors(weights);
  const NameScheme scheme = detect_scheme(raw, weights);
  auto sam = std::make_shared<Sam>(scheme == NameScheme::kMeta ? kMetaEpsilon : kHuggingFaceEpsilon);
  load_tensors(*sam, canonical_names(raw, scheme, weights), /*prefix=*/"", weights);
  if (!decoder.empty()) {
    const StateDict over = read_safetensors(decoder);
    load_tensors(*sam, canonical_names(over, detect_scheme(over, decoder), decoder), "mask_decoder.",
                 decoder);
  }
  sam->device = device;
  sam->compute_type = compute_type;
  // Whoever asks for fp32 on a GPU means it: cuDNN's convolutions would round to TF32.
  if (device.is_cuda() && compute_type == at::kFloat) at::globalContext().setAllowTF32CuDNN(false);
  sam->prompt_encoder->to(device);
  sam->mask_decoder->to(device);
  {
    const at::NoGradGuard frozen;
    sam->image_positions = sam->prompt_encoder->image_positions();
  }
  return sam;
}

}  // namespace sam
