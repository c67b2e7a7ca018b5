// What prediction makes of the decoder's masks, on the device and on the host.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"
#include "model/postprocess.h"

namespace sam::core_test {
namespace {

// Share of pixels: on a border a logit of 0 may round to either side.
constexpr double kWrongPixels = 1e-4;

// Three prompts of two images, the second's last one absent.
struct Drawn {
  Masks masks;
  Prompts prompts;
};

Drawn drawn(at::Device device) {
  Drawn x;
  x.masks.logits = synthetic_mask_prompts(5, 18).reshape({2, 3, 3, 256, 256}).to(device);
  x.masks.iou_predictions = x.masks.logits.select(3, 0).select(3, 0).sigmoid();
  x.prompts.images = 2;
  x.prompts.per_image = 3;
  x.prompts.points = at::arange(2 * 3 * 2 * 2, at::kFloat).reshape({2, 3, 2, 2}).mul(17).to(device);
  x.prompts.labels = at::ones({2, 3, 2}, at::kLong).to(device);
  x.prompts.present = at::tensor({1, 1, 1, 1, 1, 0}).reshape({2, 3}).to(at::kBool).to(device);
  return x;
}

// All that is chosen, as one vector.
at::Tensor chosen(const Drawn& x, MultiMask multi_mask) {
  const at::Tensor choice = choose_by_prediction(x.masks);
  const Selected selected = select_masks(x.masks, choice, x.prompts.present, multi_mask);
  const at::Tensor scores = x.masks.iou_predictions.gather(-1, choice.unsqueeze(-1)).squeeze(-1);
  const Prompts one = take_prompt(x.prompts, best_prompt(scores, x.prompts.present));
  std::vector<at::Tensor> all;
  for (const at::Tensor& part : {selected.logits, selected.scores, selected.candidates, one.points})
    all.push_back(part.to(at::kCPU, at::kDouble).flatten());
  return at::cat(all);
}

// A disk's edge is steep, as a trained model's is: noise would be all borders.
at::Tensor disk_logits(const Context& context) { return disk_masks(context.at("disks"))[0] * 20 - 10; }

}  // namespace

void check_prediction(const Context& context) {
  const at::NoGradGuard no_grad;
  const Drawn here = drawn(context.device), host = drawn(at::kCPU);
  for (const auto& [name, multi_mask] : {std::pair("best", MultiMask::kBest), {"mean", MultiMask::kMean}})
    context.report->check(std::string("prediction/selected-") + name,
                          difference(chosen(here, multi_mask), chosen(host, multi_mask)), 1e-5);

  const at::Tensor logits = disk_logits(context);
  for (const int64_t image_size : {0, 256}) {
    const at::Tensor ours = full_size_mask(logits.to(context.device), 480, 640, image_size).cpu();
    const at::Tensor reference = full_size_mask(logits, 480, 640, image_size);
    const std::string name = "prediction/full-size-" + std::string(image_size == 0 ? "kept" : "squashed");
    context.report->check(name, (ours != reference).to(at::kDouble).mean().item<double>(), kWrongPixels);
    const double inside = reference.to(at::kDouble).mean().item<double>() / 255;
    context.report->check(name + "/has-both", inside > 0.01 && inside < 0.99 ? 0 : 1, 0);
  }
}

}  // namespace sam::core_test
