// bf16 and fp16 are judged by the masks they give, not by their logits.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <utility>

#include "core_test/checks.h"

namespace sam::core_test {
namespace {

constexpr double kLowestMaskIou = 0.99;

// B x 256 x 256, true inside: the masks that prediction takes.
at::Tensor predicted_masks(Sam& sam, at::ScalarType type, const Batch& batch) {
  const at::ScalarType usual = sam.compute_type;
  sam.compute_type = type;
  const Masks masks = sam.decode(batch.embeddings, batch.prompts, MaskOutput::kMulti);
  sam.compute_type = usual;
  return select_masks(masks, choose_by_prediction(masks), batch.prompts.present, MultiMask::kBest)
      .logits.gt(0);
}

}  // namespace

void check_precision(const Context& context, const std::string& run, Sam& trained) {
  const at::NoGradGuard no_grad;
  const Batch batch = context.batch(run, 0, 4);
  const at::Tensor full = predicted_masks(trained, at::kFloat, batch);
  for (const auto& [label, type] :
       {std::pair("/bf16-mask", at::kBFloat16), std::pair("/fp16-mask", at::kHalf)}) {
    if (type == at::kHalf && context.device.is_cpu()) continue;  // slow there, and nobody's choice
    const at::Tensor reduced = predicted_masks(trained, type, batch);
    const at::Tensor ious =
        full.logical_and(reduced).sum({-2, -1}).div(full.logical_or(reduced).sum({-2, -1}));
    context.report->check("precision/" + run + label, 1 - ious.min().item<double>(), 1 - kLowestMaskIou);
  }
}

}  // namespace sam::core_test
