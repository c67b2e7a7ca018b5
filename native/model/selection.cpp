#include "model/selection.h"

#include <ATen/ATen.h>

#include <limits>

namespace sam {
namespace {

// x: B x P x ..., index: B -> B x ...
at::Tensor take_prompt(const at::Tensor& x, const at::Tensor& index) {
  return x.index({at::arange(x.size(0), index.options()), index});
}

}  // namespace

at::Tensor choose_by_prediction(const Masks& masks) { return masks.iou_predictions.detach().argmax(-1); }

Selected select_masks(const Masks& masks, const at::Tensor& choice, const at::Tensor& present,
                      MultiMask multi_mask) {
  const int64_t images = choice.size(0), prompts = choice.size(1);
  const at::Tensor image = at::arange(images, choice.options()).unsqueeze(1);
  const at::Tensor prompt = at::arange(prompts, choice.options()).unsqueeze(0);
  const at::Tensor logits = masks.logits.index({image, prompt, choice});           // B x P x 256 x 256
  const at::Tensor scores = masks.iou_predictions.index({image, prompt, choice});  // B x P
  const at::Tensor there =
      present.defined() ? present : at::ones({images, prompts}, choice.options().dtype(at::kBool));

  if (multi_mask == MultiMask::kMean) {
    const at::Tensor weight = there.to(at::kFloat) / there.sum(1, true).clamp_min(1);
    return {(logits * weight.unsqueeze(-1).unsqueeze(-1)).sum(1), (scores * weight).sum(1), there};
  }
  const at::Tensor best =
      scores.detach().masked_fill(there.logical_not(), -std::numeric_limits<float>::infinity()).argmax(1);
  const at::Tensor taken = (prompt == best.unsqueeze(1)).logical_and(there);
  return {take_prompt(logits, best), take_prompt(scores, best), taken};
}

}  // namespace sam
