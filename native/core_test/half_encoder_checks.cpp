// The ViT encoder in bf16 and fp16 against itself in fp32, and in fp32 against the CPU: the fixtures' tiny
// one, and one with a block of each kind whose activations are in the hundreds, as trained ones are.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"
#include "core_test/drawn_encoder.h"
#include "core_test/machine.h"

namespace sam::core_test {
namespace {

constexpr double kActivations = 300;
constexpr double kHalfVitAngle = 2e-3;    // 1 - cosine, of a half type
constexpr double kVitDeviceAngle = 1e-6;  // of another device's fp32

void check_half_types(const Context& context, const std::string& name, const StateDict& weights) {
  const at::Tensor pixels = drawn_pixels(context.device);
  const at::Tensor full = load_weights(weights, context.device, at::kFloat)->encode(pixels).cpu();
  for (const auto& [label, type] : half_types(context.device))
    context.report->attempt(name + label, [&, label = label, type = type] {
      const at::Tensor reduced = load_weights(weights, context.device, type)->encode(pixels);
      context.report->check(name + label + "/finite", reduced.isfinite().all().item<bool>() ? 0 : 1, 0);
      context.report->check(name + label, angle(reduced, full), kHalfVitAngle);
    });
  if (context.device.is_cpu()) return;
  const at::Tensor reference = load_weights(weights, at::kCPU, at::kFloat)->encode(pixels.cpu());
  context.report->check(name + "fp32-of-the-cpu", angle(full, reference), kVitDeviceAngle);
}

}  // namespace

void check_half_encoders(const Context& context) {
  const at::NoGradGuard no_grad;
  Report& report = *context.report;
  report.attempt("half/tiny-vit", [&] {
    check_half_types(context, "half/tiny-vit/",
                     random_vit_weights(context.vit_parameters, /*meta_names=*/false));
  });
  report.attempt("half/block-pair", [&] {
    check_half_types(context, "half/block-pair/",
                     drawn_weights(block_pair(80, context.device), kActivations));
  });
}

}  // namespace sam::core_test
