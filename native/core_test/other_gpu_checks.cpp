// A second GPU, where there is one: the same numbers there, and nothing of ours on the first.
#include <ATen/DeviceAccelerator.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include "core_test/checks.h"

namespace sam::core_test {

void check_other_gpu(const Context& context) {
  Report& report = *context.report;
  const int gpus = context.device.is_cuda() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (gpus < 2 || context.device.index() != 0) {
    report.fact("other-gpu", "not tried: " + std::to_string(gpus) + " GPUs");
    return;
  }
  const auto allocations = [] { return at::accelerator::getDeviceStats(0).allocation[0].allocated; };
  const Context other = moved(context, at::Device(at::kCUDA, 1));
  const int64_t before = allocations();
  report.set_prefix("cuda:1/");
  for (const auto& check :
       {check_decoder, check_kernels, check_half_encoders, check_updates, check_cache, check_prediction})
    report.attempt("completed", [&] { check(other); });
  report.set_prefix("");
  report.check("cuda:1/nothing-on-cuda:0", static_cast<double>(allocations() - before), 0);
}

}  // namespace sam::core_test
