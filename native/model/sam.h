// The part of SAM that answers prompts: prompt encoder and mask decoder, from weights, on one device.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>
#include <vector>

#include "model/mask_decoder.h"
#include "model/prompt_encoder.h"
#include "storage/safetensors.h"

namespace sam {

struct Sam {
  explicit Sam(double norm_epsilon);

  // image: B x 256 x 64 x 64 on any device; the prompts too. Gradients reach the mask decoder alone.
  Masks decode(const at::Tensor& image, const Prompts& prompts, MaskOutput output);

  // The mask decoder's parameters under their full names (`mask_decoder.…`), in a fixed order.
  std::vector<std::pair<std::string, at::Tensor>> trainable() const;

  PromptEncoder prompt_encoder;
  MaskDecoder mask_decoder;
  at::Tensor image_positions;  // 4096 x 256
  at::Device device = at::kCPU;
  at::ScalarType compute_type = at::kFloat;  // what autocast lets matrix products run in
};

// Reads `weights` (safetensors, either name scheme; the layer-norm epsilon follows the scheme: Meta 1e-5,
// Hugging Face 1e-6), then lays the decoder tensors of the checkpoint `decoder`, if given, over them.
// SAM_BAD_CHECKPOINT names every missing or misshapen key.
std::shared_ptr<Sam> load_sam(const std::string& weights, const std::string& decoder, at::Device device,
                              at::ScalarType compute_type);

// Copies tensors into the modules whose names begin with `prefix`; each of those must be there, in its shape
// (SAM_BAD_CHECKPOINT with all the names otherwise; `path` is for the message).
void load_tensors(Sam& sam, const StateDict& tensors, const std::string& prefix, const std::string& path);

}  // namespace sam
