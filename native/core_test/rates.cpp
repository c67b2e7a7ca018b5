// What the device can do at most: its rate of matrix products, and of copies from and to the host.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"
#include "core_test/stopwatch.h"
#include "model/exact.h"

namespace sam::core_test {
namespace {

constexpr int kRateRounds = 10;

void measure_products(const Context& context) {
  const int64_t side = context.device.is_cpu() ? 1024 : 8192;
  for (const auto& [label, type] : all_types(context.device)) {
    keep_exact(context.device, type);
    const at::Tensor a = at::randn({side, side}, context.embeddings.options()).to(type);
    const at::Tensor b = at::randn({side, side}, context.embeddings.options()).to(type);
    at::Tensor product = at::empty_like(a);
    const double ms = median_milliseconds(context.device, kRateRounds, [&] { at::mm_out(product, a, b); });
    const double operations = 2.0 * static_cast<double>(side * side * side);
    context.report->measure(std::string("rates/products-") + label, operations / ms / 1e9, "TFLOP/s");
  }
}

// A batch of embeddings is what training sends, 16 MiB.
void measure_copies(const Context& context) {
  constexpr int64_t kBytes = int64_t{64} << 20;
  at::Tensor there = at::empty({kBytes}, at::TensorOptions(context.device).dtype(at::kByte));
  for (const bool pinned : {false, true}) {
    if (pinned && context.device.is_cpu()) continue;
    at::Tensor here = at::zeros({kBytes}, at::TensorOptions(at::kByte).pinned_memory(pinned));
    const std::string kind = pinned ? "-pinned" : "-pageable";
    const auto rate = [&](double ms) { return static_cast<double>(kBytes) / ms / 1e6; };
    const auto median = [&](const auto& work) {
      return median_milliseconds(context.device, kRateRounds, work);
    };
    context.report->measure("rates/to-device" + kind,
                            rate(median([&] { there.copy_(here, /*non_blocking=*/pinned); })), "GB/s");
    context.report->measure("rates/to-host" + kind,
                            rate(median([&] { here.copy_(there, /*non_blocking=*/pinned); })), "GB/s");
  }
}

}  // namespace

void measure_rates(const Context& context) {
  const at::NoGradGuard no_grad;
  context.report->attempt("rates/products", [&] { measure_products(context); });
  context.report->attempt("rates/copies", [&] { measure_copies(context); });
}

}  // namespace sam::core_test
