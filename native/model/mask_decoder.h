// SAM's mask decoder: image and prompt embeddings to low-res mask logits and IoU predictions.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include <functional>
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

  // `iou_predictions` of the same: B x P x C, in much less time.
  at::Tensor predict_iou(const at::Tensor& image, const at::Tensor& positions,
                         const PromptEmbeddings& prompts, MaskOutput output);

  // Prompts that go through together where no gradients are wanted; 0: as suits the device.
  int64_t prompts_at_once = 0;

 private:
  int64_t at_once(at::Device device) const;
  // Calls `use(state, images)` for each chunk of at most `most` prompts.
  void in_chunks(const at::Tensor& image, const at::Tensor& positions, const PromptEmbeddings& prompts,
                 int64_t most, const std::function<void(const TwoWayState&, int64_t)>& use);
  TwoWayState look(const at::Tensor& image, const at::Tensor& positions, const at::Tensor& dense) const;
  TwoWayState attend(TwoWayState state, const PromptEmbeddings& prompts);
  Masks masks_of(const TwoWayState& state, int64_t images, MaskOutput output);
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
