// The part of SAM that answers prompts: prompt encoder and mask decoder, on one device.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <utility>
#include <vector>

#include "model/mask_decoder.h"
#include "model/prompt_encoder.h"

namespace sam {

struct Sam {
  explicit Sam(double norm_epsilon);

  // image: B x 256 x 64 x 64 on `device`; the prompts too. Gradients reach the mask decoder alone.
  Masks decode(const at::Tensor& image, const Prompts& prompts, MaskOutput output);

  // The IoU predictions alone: B x P x C.
  at::Tensor predict_iou(const at::Tensor& image, const Prompts& prompts, MaskOutput output);

  // The mask decoder's parameters under their full names (`mask_decoder.…`), in a fixed order.
  std::vector<std::pair<std::string, at::Tensor>> trainable() const;

  PromptEncoder prompt_encoder;
  MaskDecoder mask_decoder;
  at::Tensor image_positions;  // 4096 x 256
  at::Device device = at::kCPU;
  at::ScalarType compute_type = at::kFloat;  // what autocast lets matrix products run in

 private:
  PromptEmbeddings embed(const Prompts& prompts);
};

// The parts' prefixes in Hugging Face's names.
inline const std::string kPromptEncoderPart = "prompt_encoder.";
inline const std::string kMaskDecoderPart = "mask_decoder.";

}  // namespace sam
