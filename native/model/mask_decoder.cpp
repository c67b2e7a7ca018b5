#include "model/mask_decoder.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>

#include "model/autocast.h"
#include "model/row_products.h"

namespace sam {
namespace {

constexpr int64_t kMaskTokens = 4;
constexpr int64_t kUpscaled1 = kEmbeddingDim / 4;
constexpr int64_t kUpscaled2 = kEmbeddingDim / 8;
constexpr double kUpscaleEpsilon = 1e-6;

// The tokens that answer.
int64_t first_of(MaskOutput output) { return output == MaskOutput::kMulti ? 1 : 0; }
int64_t count_of(MaskOutput output) { return output == MaskOutput::kMulti ? kMaskTokens - 1 : 1; }

torch::nn::ConvTranspose2d transposed_conv(int64_t from, int64_t to) {
  return torch::nn::ConvTranspose2d(torch::nn::ConvTranspose2dOptions(from, to, 2).stride(2));
}

// A transposed convolution of size and stride 2 is a linear layer: every row becomes a 2 x 2 block of rows.
// M x R x in -> M x 4R x out, the block's rows together (the caller sorts them once, at the very end).
at::Tensor double_rows(const torch::nn::ConvTranspose2d& conv, const at::Tensor& rows) {
  const at::Tensor weight = conv->weight.permute({2, 3, 1, 0}).flatten(0, 2);  // (2*2*out) x in
  const at::Tensor doubled = at::linear(rows, weight, conv->bias.repeat({4}));
  return doubled.unflatten(-1, {4, -1}).flatten(1, 2);
}

PromptEmbeddings one_prompt(const PromptEmbeddings& prompts, int64_t image, int64_t prompt) {
  const auto take = [&](const at::Tensor& x) {
    if (!x.defined() || x.size(0) * x.size(1) == 1) return x;
    return x.narrow(0, image, 1).narrow(1, prompt, 1);
  };
  return {take(prompts.sparse), take(prompts.missing), take(prompts.dense)};
}

}  // namespace

MaskDecoderImpl::MaskDecoderImpl(double epsilon)
    : transformer_(register_module("transformer", TwoWayTransformer(epsilon))),
      upscale_conv1_(register_module("upscale_conv1", transposed_conv(kEmbeddingDim, kUpscaled1))),
      upscale_conv2_(register_module("upscale_conv2", transposed_conv(kUpscaled1, kUpscaled2))),
      upscale_layer_norm_(register_module("upscale_layer_norm", layer_norm(kUpscaled1, kUpscaleEpsilon))),
      iou_prediction_head_(
          register_module("iou_prediction_head", FeedForward(kEmbeddingDim, kEmbeddingDim, kMaskTokens))) {
  iou_token_ = register_module("iou_token", torch::nn::Embedding(1, kEmbeddingDim))->weight;
  mask_tokens_ = register_module("mask_tokens", torch::nn::Embedding(kMaskTokens, kEmbeddingDim))->weight;
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < kMaskTokens; ++i) {
    hypernetworks_.emplace_back(kEmbeddingDim, kEmbeddingDim, kUpscaled2);
    list->push_back(hypernetworks_.back());
  }
  register_module("output_hypernetworks_mlps", list);
}

// keys: M x 4096 x 256, hyper: M x C x 32 -> M x C x 256 x 256.
at::Tensor MaskDecoderImpl::masks_from(const at::Tensor& keys, const at::Tensor& hyper) const {
  auto norm = upscale_layer_norm_;
  at::Tensor rows = at::gelu(norm(double_rows(upscale_conv1_, keys)));
  rows = at::gelu(double_rows(upscale_conv2_, rows));
  const at::Tensor masks = row_products(hyper, rows);  // M x C x (64*64*2*2*2*2)
  constexpr int64_t kGrid = kEmbeddingSize;
  // y, x of the embedding's grid, then of the first and of the second 2 x 2 block.
  return masks.unflatten(-1, {kGrid, kGrid, 2, 2, 2, 2})
      .permute({0, 1, 2, 4, 6, 3, 5, 7})
      .reshape({masks.size(0), masks.size(1), kLowResSize, kLowResSize});
}

// What of the image the transformer sees, the same for all of its prompts, unless each brings a mask of its
// own.
TwoWayState MaskDecoderImpl::look(const at::Tensor& image, const at::Tensor& positions,
                                  const at::Tensor& dense) const {
  // Training keeps the sums in fp32.
  const auto kept = [](const at::Tensor& x) { return at::GradMode::is_enabled() ? x : in_product_type(x); };
  TwoWayState state;
  state.keys = kept(image.unsqueeze(1) + dense).flatten(0, 1).flatten(-2).transpose(-1, -2).contiguous();
  state.key_positions = kept(positions);
  state.placed_keys = state.keys + state.key_positions;
  return state;
}

TwoWayState MaskDecoderImpl::attend(TwoWayState state, const PromptEmbeddings& prompts) {
  const int64_t images = prompts.sparse.size(0), per_image = prompts.sparse.size(1);
  const at::Tensor own = at::cat({iou_token_, mask_tokens_}).expand({images * per_image, -1, -1});
  state.queries = state.query_positions = at::cat({own, prompts.sparse.flatten(0, 1)}, 1);
  if (prompts.missing.defined()) {
    const at::Tensor missing = prompts.missing.flatten(0, 1);
    const at::Tensor never = missing.new_zeros({missing.size(0), own.size(1)});
    state.seen = at::cat({never, missing}, 1).logical_not().unsqueeze(1).unsqueeze(1);
  }
  transformer_->forward(state);
  return state;
}

// Predicted IoUs are compared with each other, often closer than bf16 can tell apart.
at::Tensor MaskDecoderImpl::iou_of(const TwoWayState& state, int64_t images, MaskOutput output) {
  const Autocast exact(state.queries.device().type(), at::kFloat);
  const at::Tensor iou = iou_prediction_head_(state.queries.select(1, 0).to(at::kFloat));
  return iou.narrow(-1, first_of(output), count_of(output)).unflatten(0, {images, -1});
}

at::Tensor MaskDecoderImpl::predict_iou(const at::Tensor& image, const at::Tensor& positions,
                                        const PromptEmbeddings& prompts, MaskOutput output) {
  return iou_of(attend(look(image, positions, prompts.dense), prompts), image.size(0), output);
}

Masks MaskDecoderImpl::masks_of(const TwoWayState& state, int64_t images, MaskOutput output) {
  std::vector<at::Tensor> hyper;
  for (int64_t i = first_of(output); i < first_of(output) + count_of(output); ++i)
    hyper.push_back(hypernetworks_[i](state.queries.select(1, 1 + i)));
  const at::Tensor masks = masks_from(state.keys, at::stack(hyper, 1));
  return {masks.to(at::kFloat).unflatten(0, {images, -1}), iou_of(state, images, output)};
}

Masks MaskDecoderImpl::forward(const at::Tensor& image, const at::Tensor& positions,
                               const PromptEmbeddings& prompts, MaskOutput output) {
  const int64_t images = prompts.sparse.size(0), per_image = prompts.sparse.size(1);
  if (at::GradMode::is_enabled() || !image.is_cpu() || images * per_image == 1)
    return masks_of(attend(look(image, positions, prompts.dense), prompts), images, output);
  return one_by_one(image, positions, prompts, output);
}

// What a prompt takes on its way through stays in the processor's cache, where that of all prompts would not.
Masks MaskDecoderImpl::one_by_one(const at::Tensor& image, const at::Tensor& positions,
                                  const PromptEmbeddings& prompts, MaskOutput output) {
  const int64_t images = prompts.sparse.size(0), per_image = prompts.sparse.size(1);
  const bool own_masks = prompts.dense.size(1) > 1;
  std::vector<at::Tensor> logits, ious;
  for (int64_t i = 0; i < images; ++i) {
    TwoWayState seen;
    for (int64_t p = 0; p < per_image; ++p) {
      const PromptEmbeddings prompt = one_prompt(prompts, i, p);
      if (p == 0 || own_masks) seen = look(image.narrow(0, i, 1), positions, prompt.dense);
      const Masks masks = masks_of(attend(seen, prompt), 1, output);
      logits.push_back(masks.logits);
      ious.push_back(masks.iou_predictions);
    }
  }
  const auto join = [&](const std::vector<at::Tensor>& all) {
    return at::cat(all).flatten(0, 1).unflatten(0, {images, per_image});
  };
  return {join(logits), join(ious)};
}

}  // namespace sam
