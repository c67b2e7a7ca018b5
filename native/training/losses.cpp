#include "training/losses.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace sam {
namespace {

constexpr double kDiceSmooth = 1.0;
constexpr double kFocalAlpha = 0.25;

at::Tensor over_pixels(const at::Tensor& x) { return x.sum({-2, -1}); }

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
