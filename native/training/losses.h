// Losses between low-res logits and labels. Everything is fp32, one value for each mask, over the valid
// pixels only.
//
//   dice  = 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), p = sigmoid(logit): Milletari et al. 2016 with
//   SAM's smoothing of 1 bce   = mean binary cross entropy of the logits focal = mean of alpha_t (1 - p_t)^2
//   bce, alpha 0.25: Lin et al. 2017, as torchvision's sigmoid_focal_loss iou   = (predicted IoU - IoU(logit
//   > 0, t))^2: SAM paper, appendix A
#pragma once

#include <ATen/core/Tensor.h>

namespace sam {

struct LossWeights {
  double dice = 1, bce = 1, focal = 0, iou = 1;
};

// Labels of a batch: values and valid are B x 1 x 1 x S x S, fp32, 0 or 1.
struct Target {
  at::Tensor values;
  at::Tensor valid;
};

// logits: B x P x C x S x S -> B x P x C, weights.dice * dice + weights.bce * bce + weights.focal * focal.
at::Tensor mask_losses(const at::Tensor& logits, const Target& target, const LossWeights& weights);

// IoU of logits > 0 with the label, B x P x C, without gradient. Two empty masks have IoU 1.
at::Tensor mask_ious(const at::Tensor& logits, const Target& target);

}  // namespace sam
