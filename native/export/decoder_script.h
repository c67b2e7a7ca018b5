// Prompt encoder and mask decoder written as one TorchScript module, for programs that open it without ours.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>

#include "model/sam.h"

namespace sam {

// forward(image_embeddings: 1 x 256 x 64 x 64, point_coords: P x N x 2 in the model frame, point_labels: P x
// N, mask_input: P x 1 x 256 x 256 or None) -> (low_res_masks: P x 4 x 256 x 256, iou_predictions: P x 4),
// token 0 first. Labels as Meta's exporter to ONNX has them: 1, 0, 2 and 3 for the corners of a box, -1 for
// padding, of which a prompt without a box wants one point; nothing is padded here. fp32.
torch::jit::Module build_decoder(Sam& sam);

// The answer of such a module in a file, whoever wrote it: logits P x C x 256 x 256, predictions P x C.
// Throws SAM_IO, or what LibTorch throws.
struct ScriptPrompts {
  at::Tensor points;  // P x N x 2
  at::Tensor labels;  // P x N, int64
  at::Tensor masks;   // P x 1 x 256 x 256, or undefined
};
Masks run_decoder_script(const std::string& path, const at::Tensor& embedding, const ScriptPrompts& prompts);

}  // namespace sam
