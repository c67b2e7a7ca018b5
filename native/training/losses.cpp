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

}  // namespace

// Logits beside their labels. What several losses need is computed once, when the first one asks.
class Comparison {
 public:
  Comparison(const at::Tensor& logits, const Target& target)
      : logits(logits), target(target), pixels_(over_pixels(target.valid)) {}

  const at::Tensor& probability() {
    if (!probability_.defined()) probability_ = logits.sigmoid();
    return probability_;
  }

  // Binary cross entropy, of each pixel.
  const at::Tensor& entropy() {
    if (!entropy_.defined())
      entropy_ = at::binary_cross_entropy_with_logits(logits, target.values.expand_as(logits), {}, {},
                                                      at::Reduction::None);
    return entropy_;
  }

  // The mean over the valid pixels.
  at::Tensor mean(const at::Tensor& x) const { return over_pixels(x * target.valid) / pixels_; }

  const at::Tensor& logits;
  const Target& target;

 private:
  at::Tensor pixels_, probability_, entropy_;
};

namespace {

at::Tensor dice(Comparison& masks) {
  const at::Tensor& t = masks.target.values;
  const at::Tensor p = masks.probability() * masks.target.valid;
  return 1 - (2 * over_pixels(p * t) + kDiceSmooth) / (over_pixels(p) + over_pixels(t) + kDiceSmooth);
}

at::Tensor bce(Comparison& masks) { return masks.mean(masks.entropy()); }

at::Tensor focal(Comparison& masks) {
  const at::Tensor &t = masks.target.values, &p = masks.probability();
  const at::Tensor right = p * t + (1 - p) * (1 - t);
  const at::Tensor alpha = kFocalAlpha * t + (1 - kFocalAlpha) * (1 - t);
  return masks.mean(alpha * (1 - right).square() * masks.entropy());
}

at::Tensor row_dice_ce(Comparison& masks) {
  const at::Tensor &logits = masks.logits, &t = masks.target.values, &valid = masks.target.valid;
  const at::Tensor p = masks.probability() * valid;
  const at::Tensor row_dice =
      1 - (2 * (p * t).sum(-1) + kRowSmooth) / (p.square().sum(-1) + t.square().sum(-1) + kRowSmooth);
  const at::Tensor log_rows = at::log_softmax(logits.masked_fill(valid == 0, kNever), -2);
  const at::Tensor entropy = -(t * log_rows).sum(-2);
  return over_valid(row_dice, valid.amax(-1)) + over_valid(entropy, valid.amax(-2));
}

}  // namespace

const std::array<Loss, 5> kLosses{{{"dice", &LossWeights::dice, dice},
                                   {"bce", &LossWeights::bce, bce},
                                   {"focal", &LossWeights::focal, focal},
                                   {"iou", &LossWeights::iou, nullptr},
                                   {"rowDiceCe", &LossWeights::row_dice_ce, row_dice_ce}}};

at::Tensor mask_losses(const at::Tensor& logits, const Target& target, const LossWeights& weights) {
  Comparison masks(logits, target);
  at::Tensor total = at::zeros({logits.size(0), logits.size(1), logits.size(2)}, logits.options());
  for (const Loss& loss : kLosses)
    if (loss.of && weights.*loss.weight != 0) total = total + weights.*loss.weight * loss.of(masks);
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
