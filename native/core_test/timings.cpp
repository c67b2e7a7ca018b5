// How long a step, a prompt and an encoding take: the median of a few, after a warm-up.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "core_test/checks.h"
#include "encoder/load_encoder.h"

namespace sam::core_test {
namespace {

constexpr int kRounds = 5;

// `work` must wait for the device, e.g. by reading a number back.
double median_milliseconds(const std::function<void()>& work) {
  work();
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

}  // namespace

void measure(const Context& context, const std::string& encoder_path) {
  const Batch batch = context.batch("run-joint", 0, 4);
  const Prompts prompt = context.prompts("points", 0, 1);
  for (const auto& [label, type] :
       {std::pair("fp32", at::kFloat), std::pair("bf16", at::kBFloat16), std::pair("fp16", at::kHalf)}) {
    if (type == at::kHalf && context.device.is_cpu()) continue;
    const auto sam = context.load();
    sam->compute_type = type;
    Trainer trainer(sam, {});
    const std::string suffix = std::string("-") + label;
    context.report->timing("step-of-4" + suffix,
                           median_milliseconds([&] { trainer.step(batch, update_with(2e-5)); }));
    const at::NoGradGuard no_grad;
    context.report->timing("prompt" + suffix, median_milliseconds([&] {
                             const Masks masks =
                                 sam->decode(context.embeddings.narrow(0, 0, 1), prompt, MaskOutput::kMulti);
                             masks.iou_predictions.sum().item<float>();
                           }));
  }
  if (encoder_path.empty()) return;
  const at::NoGradGuard no_grad;
  const auto encoder = load_encoder(encoder_path, context.device, at::kFloat, /*check=*/false);
  const at::Tensor picture = at::zeros({1, 3, 1024, 1024}, context.device);
  context.report->timing("encode-fp32",
                         median_milliseconds([&] { encoder->encode(picture).sum().item<float>(); }));
}

}  // namespace sam::core_test
