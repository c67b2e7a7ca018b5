// How long a step, a prompt and an encoding take: the median of a few, after a warm-up.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"
#include "core_test/stopwatch.h"
#include "encoder/load_encoder.h"

namespace sam::core_test {
namespace {

constexpr int kTimedRounds = 5;

}  // namespace

void measure(const Context& context) {
  const Batch batch = context.batch(kLearning, 0, 4);
  const Prompts prompt = context.prompts("points", 0, 1);
  const at::Device device = context.device;
  for (const auto& [label, type] : all_types(device)) {
    const auto sam = context.load();
    sam->compute_type = type;
    Trainer trainer(sam, options_of(context, kLearning));
    const std::string suffix = std::string("-") + label;
    context.report->timing("step-of-4" + suffix, median_milliseconds(device, kTimedRounds, [&] {
                             trainer.step(batch, update_with(2e-5));
                           }));
    const at::NoGradGuard no_grad;
    context.report->timing("prompt" + suffix, median_milliseconds(device, kTimedRounds, [&] {
                             sam->decode(context.embeddings.narrow(0, 0, 1), prompt, MaskOutput::kMulti);
                           }));
  }
  if (context.encoder_path.empty()) return;
  const at::NoGradGuard no_grad;
  const auto encoder = load_encoder(context.encoder_path, device, at::kFloat, /*check=*/false);
  const at::Tensor picture = at::zeros({1, 3, 1024, 1024}, device);
  context.report->timing("encode-fp32",
                         median_milliseconds(device, kTimedRounds, [&] { encoder->encode(picture); }));
}

}  // namespace sam::core_test
