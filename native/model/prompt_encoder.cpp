#include "model/prompt_encoder.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>

#include <numbers>

namespace sam {
namespace {

constexpr double kNormEpsilon = 1e-6;

// Layer norm over the channels of M x C x H x W ("LayerNorm2d" in the reference).
at::Tensor norm_channels(torch::nn::LayerNorm& norm, const at::Tensor& x) {
  return norm(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
}

torch::nn::Conv2d conv(int64_t from, int64_t to, int64_t size) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, size).stride(size));
}

}  // namespace

MaskEmbeddingImpl::MaskEmbeddingImpl()
    : conv1(register_module("conv1", conv(1, 4, /*size=*/2))),
      conv2(register_module("conv2", conv(4, 16, /*size=*/2))),
      conv3(register_module("conv3", conv(16, kEmbeddingDim, /*size=*/1))),
      layer_norm1(register_module("layer_norm1", layer_norm(4, kNormEpsilon))),
      layer_norm2(register_module("layer_norm2", layer_norm(16, kNormEpsilon))) {}

at::Tensor MaskEmbeddingImpl::forward(const at::Tensor& masks) {
  at::Tensor x = at::gelu(norm_channels(layer_norm1, conv1(masks)));
  x = at::gelu(norm_channels(layer_norm2, conv2(x)));
  return conv3(x);
}

PromptEncoderImpl::PromptEncoderImpl()
    : positional_embedding(register_buffer("positional_embedding", at::zeros({2, kEmbeddingDim / 2}))),
      mask_embed_(register_module("mask_embed", MaskEmbedding())) {
  torch::nn::ModuleList point_embed;
  for (int i = 0; i < 4; ++i) {
    torch::nn::Embedding embedding(1, kEmbeddingDim);
    point_embed_.push_back(embedding->weight);
    point_embed->push_back(embedding);
  }
  register_module("point_embed", point_embed);
  not_a_point_embed_ = register_module("not_a_point_embed", torch::nn::Embedding(1, kEmbeddingDim))->weight;
  no_mask_embed_ = register_module("no_mask_embed", torch::nn::Embedding(1, kEmbeddingDim))->weight;
}

at::Tensor PromptEncoderImpl::encode_positions(const at::Tensor& coordinates) const {
  const at::Tensor angles = at::matmul(2 * coordinates - 1, positional_embedding) * (2 * std::numbers::pi);
  return at::cat({angles.sin(), angles.cos()}, -1);
}

at::Tensor PromptEncoderImpl::image_positions() const {
  const at::Tensor steps =
      (at::arange(kEmbeddingSize, positional_embedding.options()) + 0.5) / kEmbeddingSize;
  const auto grid = at::meshgrid({steps, steps}, "ij");
  return encode_positions(at::stack({grid[1], grid[0]}, -1)).reshape({-1, kEmbeddingDim});
}

at::Tensor PromptEncoderImpl::embed_points(const at::Tensor& points, const at::Tensor& labels) const {
  at::Tensor embedded = encode_positions((points + 0.5) / kModelSize);
  const at::Tensor label = labels.unsqueeze(-1);
  // The reference replaces the position of "not a point" and zeroes Hugging Face's padding; a missing point's
  // content is never seen.
  embedded = at::where(label == kNotAPoint, not_a_point_embed_, embedded);
  embedded = at::where(label <= kZeroToken, at::zeros_like(embedded), embedded);
  embedded = embedded + (label == 0) * point_embed_[0] + (label == 1) * point_embed_[1];
  return embedded;
}

at::Tensor PromptEncoderImpl::embed_boxes(const at::Tensor& boxes) const {
  const auto sizes = boxes.sizes();
  const at::Tensor corners = encode_positions((boxes.reshape({sizes[0], sizes[1], 2, 2}) + 0.5) / kModelSize);
  return corners + at::stack({point_embed_[2][0], point_embed_[3][0]});
}

PromptEmbeddings PromptEncoderImpl::forward(const Prompts& prompts) {
  const int64_t images = prompts.images, per_image = prompts.per_image;
  std::vector<at::Tensor> sparse, missing;
  if (prompts.points.defined()) {
    at::Tensor points = prompts.points, labels = prompts.labels;
    if (!prompts.boxes.defined()) {  // the reference's one padding token, where no box follows
      points = at::cat({points, points.new_zeros({images, per_image, 1, 2})}, 2);
      // Where all points are missing it is missing too: the reference pads nothing then.
      const at::Tensor none = (labels == kMissing).all(2, /*keepdim=*/true);
      labels = at::cat(
          {labels, at::full_like(none, kNotAPoint, labels.options()).masked_fill_(none, kMissing)}, 2);
    }
    sparse.push_back(embed_points(points, labels));
    missing.push_back(labels == kMissing);
  }
  if (prompts.boxes.defined()) {
    sparse.push_back(embed_boxes(prompts.boxes));
    missing.push_back(at::zeros({images, per_image, 2}, prompts.boxes.options().dtype(at::kBool)));
  }
  PromptEmbeddings out;
  out.sparse = sparse.empty() ? positional_embedding.new_zeros({images, per_image, 0, kEmbeddingDim})
                              : at::cat(sparse, 2);
  if (prompts.any_missing && !missing.empty()) {
    out.missing = at::cat(missing, 2);
    if (out.missing.is_cpu() && !out.missing.any().item<bool>()) out.missing = at::Tensor();
  }
  if (prompts.masks.defined()) {
    const at::Tensor masks = prompts.masks.reshape({-1, 1, kLowResSize, kLowResSize});
    out.dense = mask_embed_(masks).unflatten(0, {images, per_image});
  } else {
    out.dense = no_mask_embed_.reshape({1, 1, kEmbeddingDim, 1, 1});
  }
  return out;
}

}  // namespace sam
