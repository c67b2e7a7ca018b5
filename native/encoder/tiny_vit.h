// MobileSAM's image encoder (TinyViT-5M, https://arxiv.org/abs/2306.14289, with SAM's neck) written as
// TorchScript from its weights, without Python.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>

#include "storage/safetensors.h"

namespace sam {

// From tensors under MobileSAM's own names (`image_encoder.*`; others are ignored): batch norms are folded
// into their convolutions, attention biases spread over their windows. The module has `forward`,
// `slice_count` and `run_slice` (see torchscript_encoder.h), and works in fp32, fp16 and bf16 on any device;
// its output is fp32. Throws SAM_BAD_CHECKPOINT naming the first tensor that is missing or of another shape.
torch::jit::Module build_tiny_vit(const StateDict& weights);

// From a safetensors file to a TorchScript file, written to a temporary name and renamed.
void export_tiny_vit(const std::string& weights_safetensors, const std::string& output_pt);

}  // namespace sam
