// The parts of SAM's own image encoder (ViT-B, L, H: https://arxiv.org/abs/2304.02643, appendix A, after
// ViTDet, https://arxiv.org/abs/2203.16527) and where its weights lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "weights/model_weights.h"

namespace sam {

constexpr double kViTNormEpsilon = 1e-6;

// Everything follows from the weights' shapes.
struct ViTConfig {
  int64_t dim, heads, hidden;    // channels; attention heads; channels inside the MLP
  std::vector<int64_t> windows;  // of each block: the side of its attention windows, 64 for global attention
};

// The configuration of the file's ViT, under Hugging Face's or Meta's names; nothing where it holds none.
std::optional<ViTConfig> vit_config(const ModelWeights& weights);

// The tensors that an encoder of this size needs, under Hugging Face's names.
Shapes vit_shapes(const ViTConfig& config);

// --- Weights, fp32 as read; `each` visits them all. ---

struct ViTNorm {
  at::Tensor weight, bias;
};

struct ViTLinear {
  at::Tensor weight, bias;  // weight: output x input
};

struct ViTStem {
  ViTLinear patch;       // C x 3 x 16 x 16
  at::Tensor positions;  // 1 x 64 x 64 x C

  template <typename Visit>
  void each(const Visit& visit) {
    for (at::Tensor* x : {&patch.weight, &patch.bias, &positions}) visit(*x);
  }
};

struct ViTBlock {
  int64_t window;
  ViTNorm norm1, norm2;
  ViTLinear qkv, proj, fc1, fc2;  // the 1 / sqrt(d) of attention is in k's part of qkv
  // Vectors for the distance of a query and a key in rows, then in columns: d x 2 (2 window - 1). The
  // distance is query minus key, from window - 1 down to 1 - window.
  at::Tensor positions;

  template <typename Visit>
  void each(const Visit& visit) {
    for (ViTNorm* norm : {&norm1, &norm2}) visit(norm->weight), visit(norm->bias);
    for (ViTLinear* linear : {&qkv, &proj, &fc1, &fc2}) visit(linear->weight), visit(linear->bias);
    visit(positions);
  }
};

struct ViTNeck {
  ViTLinear conv1;  // 1 x 1, without bias
  ViTNorm norm1, norm2;
  at::Tensor conv2;  // 256 x 256 x 3 x 3

  template <typename Visit>
  void each(const Visit& visit) {
    visit(conv1.weight), visit(conv1.bias), visit(conv2);
    for (ViTNorm* norm : {&norm1, &norm2}) visit(norm->weight), visit(norm->bias);
  }
};

ViTStem read_vit_stem(ModelWeights& weights);
ViTBlock read_vit_block(ModelWeights& weights, const ViTConfig& config, size_t index);
ViTNeck read_vit_neck(ModelWeights& weights);

}  // namespace sam
