// Losses between low-res logits and labels. Everything is fp32, one value for each mask, over the valid
// pixels only.
//
//   dice  = 1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1), p = sigmoid(logit): Milletari et al. 2016, with
//           SAM's smoothing of 1
//   bce   = mean binary cross entropy of the logits
//   focal = mean of alpha_t (1 - p_t)^2 bce, alpha 0.25: Lin et al. 2017, as torchvision's sigmoid_focal_loss
//   iou   = (predicted IoU - IoU(logit > 0, t))^2: SAM paper, appendix A
//   row_dice_ce: the article's, which is MONAI's DiceCELoss(sigmoid=True, squared_pred=True) given B x H x W
//           logits, so that it takes rows for channels. Its dice is one a row, 1 - (2 sum(p t) + 1e-5) /
//           (sum(p^2) + sum(t^2) + 1e-5) along it, averaged over rows; its cross entropy is, for each column,
//           that of softmax over the rows with the label as (unnormalised) target, averaged over columns. It
//           is not 0 for a perfect mask. Here for comparison with the article, and for nothing else.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace sam {

// LossWeights are what losses are multiplied by; one of 0 is left out.
struct LossWeights {
  double dice = 0, bce = 0, focal = 0, iou = 0, row_dice_ce = 0;
};

class Comparison;  // logits beside their labels, with what several losses need

// One of the losses above. `of` gives B x P x C; iou has none, for it is about predictions, not logits.
struct Loss {
  const char* name;  // in binding.d.ts
  double LossWeights::* weight;
  at::Tensor (*of)(Comparison& masks);
};

// The losses, in the order in which they are added up.
extern const std::array<Loss, 5> kLosses;

// Labels of a batch: values and valid are B x 1 x 1 x S x S, fp32, 0 or 1.
struct Target {
  at::Tensor values;
  at::Tensor valid;
};

// logits: B x P x C x S x S -> B x P x C, the weighted sum of all but iou.
at::Tensor mask_losses(const at::Tensor& logits, const Target& target, const LossWeights& weights);

// IoU of logits > 0 with the label, B x P x C, without gradient. Two empty masks have IoU 1.
at::Tensor mask_ious(const at::Tensor& logits, const Target& target);

}  // namespace sam
