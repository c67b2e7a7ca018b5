// SAM's mask decoder: image and prompt embeddings to low-res mask logits and IoU predictions.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "model/prompt_encoder.h"
#include "model/two_way_transformer.h"

namespace sam {

// Which of the four mask tokens answer: `kSingle` token 0, `kMulti` tokens 1 to 3.
enum class MaskOutput { kSingle, kMulti };

struct Masks {
  at::Tensor logits;           // B x P x C x 256 x 256, fp32
  at::Tensor iou_predictions;  // B x P x C, fp32
};

struct MaskDecoderImpl : torch::nn::Module {
  explicit MaskDecoderImpl(double epsilon);

  // image: B x 256 x 64 x 64; positions: 4096 x 256. The hypernetworks of tokens that aren't asked don't run.
  Masks forward(const at::Tensor& image, const at::Tensor& positions, const PromptEmbeddings& prompts,
                MaskOutput output);

  // `iou_predictions` of the same, in much less time.
  at::Tensor predict_iou(const at::Tensor& image, const at::Tensor& positions,
                         const PromptEmbeddings& prompts, MaskOutput output);

 private:
  TwoWayState look(const at::Tensor& image, const at::Tensor& positions, const at::Tensor& dense) const;
  TwoWayState attend(TwoWayState state, const PromptEmbeddings& prompts);
  Masks masks_of(const TwoWayState& state, int64_t images, MaskOutput output);
  Masks one_by_one(const at::Tensor& image, const at::Tensor& positions, const PromptEmbeddings& prompts,
                   MaskOutput output);
  at::Tensor iou_of(const TwoWayState& state, int64_t images, MaskOutput output);
  at::Tensor masks_from(const at::Tensor& keys, const at::Tensor& hyper) const;

  at::Tensor iou_token_, mask_tokens_;
  TwoWayTransformer transformer_{nullptr};
  torch::nn::ConvTranspose2d upscale_conv1_{nullptr}, upscale_conv2_{nullptr};
  torch::nn::LayerNorm upscale_layer_norm_{nullptr};
  std::vector<FeedForward> hypernetworks_;
  FeedForward iou_prediction_head_{nullptr};
};
TORCH_MODULE(MaskDecoder);

}  // namespace sam
