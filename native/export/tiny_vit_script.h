// MobileSAM's image encoder (TinyViT-5M, https://arxiv.org/abs/2306.14289, with SAM's neck) written as
// TorchScript from its weights, without Python.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include "weights/model_weights.h"

namespace sam {

// From tensors under MobileSAM's own names (`image_encoder.*`; others are ignored): batch norms are folded
// into their convolutions, attention biases spread over their windows. The module is as ScriptBuilder's
// `sequence`, and works in fp32, fp16 and bf16 on any device; its output is fp32. Throws SAM_BAD_CHECKPOINT
// naming the first tensor that is missing or of another shape.
torch::jit::Module build_tiny_vit(ModelWeights& weights, at::ScalarType dtype);

}  // namespace sam
