// SAM's own image encoder (ViT-B, L, H: https://arxiv.org/abs/2304.02643, appendix A, after ViTDet,
// https://arxiv.org/abs/2203.16527) written as TorchScript from its weights, without Python.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>
#include <vector>

#include "model/model_weights.h"

namespace sam {

// Everything follows from the weights' shapes.
struct ViTConfig {
  int64_t dim, heads, hidden;    // channels; attention heads; channels inside the MLP
  std::vector<int64_t> windows;  // of each block: the side of its attention windows, 64 for global attention

  // "ViT-B", "ViT-L", "ViT-H", or "a ViT of 384 channels and 12 blocks".
  std::string name() const;
};

// Nothing where the file holds no ViT, under Hugging Face's or Meta's names.
std::optional<ViTConfig> vit_config(const ModelWeights& weights);

// What an encoder of this size needs, under Hugging Face's names.
Shapes vit_shapes(const ViTConfig& config);

// The module is as ScriptBuilder's `sequence`, and works in fp32, fp16 and bf16 on any device; its output is
// fp32. `weights` must have been found to hold `vit_shapes`.
torch::jit::Module build_vit(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype);

}  // namespace sam
