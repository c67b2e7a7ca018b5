// SAM's prompt encoder: points, boxes and masks to sparse and dense prompt embeddings (paper, section 3,
// "Prompt encoder").
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include "model/frame.h"
#include "model/layers.h"

namespace sam {

// Labels of points beyond 1 (positive) and 0 (negative).
enum PointLabel : int64_t {
  kNotAPoint = -1,   // Meta's padding: its own learned embedding
  kZeroToken = -10,  // Hugging Face's padding: zeros, but attended to
  kMissing = -100,   // masked out of attention: the result is as without the point
};

// Prompts of B images, P for each, on the model's device. Undefined tensors are absent.
struct Prompts {
  at::Tensor points;   // B x P x N x 2, fp32, model frame
  at::Tensor labels;   // B x P x N, int64
  at::Tensor boxes;    // B x P x 4, fp32, model frame
  at::Tensor masks;    // B x P x 256 x 256 logits, fp32
  at::Tensor present;  // B x P, bool; undefined: all are

  int64_t images = 0;
  int64_t per_image = 0;
  bool any_missing = true;  // false: no label is kMissing, which a GPU would have to be asked and waited for
};

struct PromptEmbeddings {
  at::Tensor sparse;   // B x P x T x 256
  at::Tensor missing;  // B x P x T, bool: tokens that attention must not see; undefined where none is missing
  at::Tensor dense;    // B x P x 256 x 64 x 64, or 1 x 1 x 256 x 1 x 1 without mask prompts
};

// Mask prompts to a dense embedding: conv 1->4, norm, GELU, conv 4->16, norm, GELU, conv 16->256.
struct MaskEmbeddingImpl : torch::nn::Module {
  MaskEmbeddingImpl();
  at::Tensor forward(const at::Tensor& masks);  // M x 1 x 256 x 256 -> M x 256 x 64 x 64

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  torch::nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr};
};
TORCH_MODULE(MaskEmbedding);

struct PromptEncoderImpl : torch::nn::Module {
  PromptEncoderImpl();

  PromptEmbeddings forward(const Prompts& prompts);

  // Positional encoding of the embedding's grid, 4096 x 256, rows first.
  at::Tensor image_positions() const;

  at::Tensor positional_embedding;  // 2 x 128, random and fixed: a buffer, never trained

 private:
  at::Tensor encode_positions(const at::Tensor& coordinates) const;  // ... x 2 in [0, 1] -> ... x 256
  at::Tensor embed_points(const at::Tensor& points, const at::Tensor& labels) const;
  at::Tensor embed_boxes(const at::Tensor& boxes) const;

  std::vector<at::Tensor>
      point_embed_;  // negative, positive, top-left corner, bottom-right corner; 1 x 256 each
  at::Tensor not_a_point_embed_, no_mask_embed_;
  MaskEmbedding mask_embed_{nullptr};
};
TORCH_MODULE(PromptEncoder);

}  // namespace sam
