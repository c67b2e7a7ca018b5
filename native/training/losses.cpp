#include "training/losses.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace sam {
namespace {

constexpr double kDiceSmooth = 1.0;
constexpr double kFocalAlpha = 0.25;

constexpr double kRowSmooth = 1e-5;
constexpr double kNever = -1e9;  // a logit that softmax makes 0 of

at::Tensor over_pixels(const at::Tensor& x) { return x.sum({-2, -1}); }

// The mean over the rows (columns) that have a pixel inside the picture.
at::Tensor over_valid(const at::Tensor& x, const at::Tensor& valid) {
  return (x * valid).sum(-1) / valid.sum(-1);
}

at::Tensor row_dice_ce(const at::Tensor& logits, const Target& target) {
  const at::Tensor &t = target.values, &valid = target.valid;
  const at::Tensor p = logits.sigmoid() * valid;
  const at::Tensor row_dice =
      1 - (2 * (p * t).sum(-1) + kRowSmooth) / (p.square().sum(-1) + t.square().sum(-1) + kRowSmooth);
  const at::Tensor log_rows = at::log_softmax(logits.masked_fill(valid == 0, kNever), -2);
  const at::Tensor entropy = -(t * log_rows).sum(-2);
  return over_valid(row_dice, valid.amax(-1)) + over_valid(entropy, valid.amax(-2));
}

}  // namespace

at::Tensor mask_losses(const at::Tensor& logits, const Target& target, const LossWeights& weights) {
  const at::Tensor& t = target.values;
  const at::Tensor pixels = over_pixels(target.valid);
  at::Tensor total = at::zeros({logits.size(0), logits.size(1), logits.size(2)}, logits.options());
  at::Tensor probability;
  if (weights.dice != 0 || weights.focal != 0) probability = logits.sigmoid();
  if (weights.dice != 0) {
    const at::Tensor p = probability * target.valid;
    const at::Tensor dice =
        1 - (2 * over_pixels(p * t) + kDiceSmooth) / (over_pixels(p) + over_pixels(t) + kDiceSmooth);
    total = total + weights.dice * dice;
  }
  if (weights.bce != 0 || weights.focal != 0) {
    const at::Tensor label = t.expand_as(logits);
    const at::Tensor entropy =
        at::binary_cross_entropy_with_logits(logits, label, {}, {}, at::Reduction::None);
    if (weights.bce != 0) total = total + weights.bce * over_pixels(entropy * target.valid) / pixels;
    if (weights.focal != 0) {
      const at::Tensor right = probability * t + (1 - probability) * (1 - t);
      const at::Tensor alpha = kFocalAlpha * t + (1 - kFocalAlpha) * (1 - t);
      const at::Tensor focal = alpha * (1 - right).square() * entropy;
      total = total + weights.focal * over_pixels(focal * target.valid) / pixels;
    }
  }
  if (weights.row_dice_ce != 0) total = total + weights.row_dice_ce * row_dice_ce(logits, target);
  return total;
}

at::Tensor mask_ious(const at::Tensor& logits, const Target& target) {
  const at::NoGradGuard no_grad;
  const at::Tensor inside = logits.gt(0).to(at::kFloat) * target.valid;
  const at::Tensor both = over_pixels(inside * target.values);
  const at::Tensor either = over_pixels(inside) + over_pixels(target.values) - both;
  return at::where(either > 0, both / either.clamp_min(1), at::ones_like(either));
}

}  // namespace sam
