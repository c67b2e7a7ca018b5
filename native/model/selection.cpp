#include "model/selection.h"

#include <ATen/ATen.h>

#include <limits>

namespace sam {
namespace {

// x: B x P x ..., index: B -> B x ...
at::Tensor take_along(const at::Tensor& x, const at::Tensor& index) {
  return x.index({at::arange(x.size(0), index.options()), index});
}

at::Tensor all_present(const at::Tensor& present, const at::Tensor& like) {
  return present.defined() ? present : at::ones(like.sizes(), like.options().dtype(at::kBool));
}

}  // namespace

at::Tensor choose_by_prediction(const Masks& masks) { return masks.iou_predictions.detach().argmax(-1); }

at::Tensor best_prompt(const at::Tensor& scores, const at::Tensor& present) {
  const at::Tensor missing = all_present(present, scores).logical_not();
  return scores.detach().masked_fill(missing, -std::numeric_limits<float>::infinity()).argmax(1);
}

Prompts take_prompt(const Prompts& prompts, const at::Tensor& index) {
  Prompts taken = prompts;
  for (at::Tensor* x : {&taken.points, &taken.labels, &taken.boxes, &taken.masks, &taken.present})
    if (x->defined()) *x = take_along(*x, index).unsqueeze(1);
  taken.per_image = 1;
  return taken;
}

Masks choose_masks(const Masks& masks, const at::Tensor& choice) {
  const at::Tensor image = at::arange(choice.size(0), choice.options()).unsqueeze(1);
  const at::Tensor prompt = at::arange(choice.size(1), choice.options()).unsqueeze(0);
  return {masks.logits.index({image, prompt, choice}), masks.iou_predictions.index({image, prompt, choice})};
}

Selected select_masks(const Masks& masks, const at::Tensor& choice, const at::Tensor& present,
                      MultiMask multi_mask) {
  const auto [logits, scores] = choose_masks(masks, choice);
  const at::Tensor there = all_present(present, choice);

  if (multi_mask == MultiMask::kMean) {
    const at::Tensor weight = there.to(at::kFloat) / there.sum(1, true).clamp_min(1);
    return {(logits * weight.unsqueeze(-1).unsqueeze(-1)).sum(1), (scores * weight).sum(1), there};
  }
  const at::Tensor best = best_prompt(scores, present);
  const at::Tensor prompt = at::arange(choice.size(1), choice.options()).unsqueeze(0);
  const at::Tensor taken = (prompt == best.unsqueeze(1)).logical_and(there);
  return {take_along(logits, best), take_along(scores, best), taken};
}

}  // namespace sam
