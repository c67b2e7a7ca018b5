#include "model/mask_decoder.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/embedding.h>

#include <algorithm>

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

// A prompt takes some 25 MiB on its way through in fp32: hundreds at once would fill a GPU.
constexpr int64_t kPromptsOfGpu = 32;

// The chunks' results, n x p x ..., as B x P x ...: one image's prompts follow each other.
at::Tensor joined(const std::vector<at::Tensor>& chunks, int64_t images, int64_t per_image) {
  if (chunks.size() == 1) return chunks.front();
  std::vector<at::Tensor> flat;
  for (const at::Tensor& chunk : chunks) flat.push_back(chunk.flatten(0, 1));
  return at::cat(flat).unflatten(0, {images, per_image});
}

// `prompts` prompts of each of `images` images.
struct Part {
  int64_t image, images, prompt, prompts;

  PromptEmbeddings of(const PromptEmbeddings& all) const {
    const auto take = [&](const at::Tensor& x) {
      if (!x.defined() || x.size(0) * x.size(1) == 1) return x;
      return x.narrow(0, image, images).narrow(1, prompt, prompts);
    };
    return {take(all.sparse), take(all.missing), take(all.dense)};
  }
};

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
  // Training needs what is in between for its gradients.
  const int64_t most = at::GradMode::is_enabled() ? images * per_image : at_once(image.device());
  std::vector<at::Tensor> logits, ious;
  in_chunks(image, positions, prompts, most, [&](const TwoWayState& state, int64_t part) {
    const Masks masks = masks_of(state, part, output);
    logits.push_back(masks.logits);
    ious.push_back(masks.iou_predictions);
  });
  return {joined(logits, images, per_image), joined(ious, images, per_image)};
}

at::Tensor MaskDecoderImpl::predict_iou(const at::Tensor& image, const at::Tensor& positions,
                                        const PromptEmbeddings& prompts, MaskOutput output) {
  const int64_t images = prompts.sparse.size(0), per_image = prompts.sparse.size(1);
  const int64_t most = image.is_cpu() ? images * per_image : at_once(image.device());
  std::vector<at::Tensor> ious;
  in_chunks(image, positions, prompts, most,
            [&](const TwoWayState& state, int64_t part) { ious.push_back(iou_of(state, part, output)); });
  return joined(ious, images, per_image);
}

// On the CPU what one prompt takes on its way through stays in the processor's cache, where that of all would
// not.
int64_t MaskDecoderImpl::at_once(at::Device device) const {
  if (prompts_at_once > 0) return prompts_at_once;
  return device.is_cpu() ? 1 : kPromptsOfGpu;
}

// Several images with all their prompts, or some prompts of one image, which is looked at once.
void MaskDecoderImpl::in_chunks(const at::Tensor& image, const at::Tensor& positions,
                                const PromptEmbeddings& prompts, int64_t most,
                                const std::function<void(const TwoWayState&, int64_t)>& use) {
  const int64_t images = prompts.sparse.size(0), per_image = prompts.sparse.size(1);
  const int64_t some_images = std::max<int64_t>(1, most / per_image), some = std::min(per_image, most);
  const bool own_masks = prompts.dense.size(1) > 1;
  for (int64_t i = 0; i < images; i += some_images) {
    const int64_t count = std::min(some_images, images - i);
    TwoWayState seen;
    for (int64_t p = 0; p < per_image; p += some) {
      const PromptEmbeddings part = Part{i, count, p, std::min(some, per_image - p)}.of(prompts);
      if (p == 0 || own_masks) seen = look(image.narrow(0, i, count), positions, part.dense);
      use(attend(seen, part), count);
    }
  }
}

}  // namespace sam
