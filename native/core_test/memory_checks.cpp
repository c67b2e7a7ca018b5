// A device that runs out of memory says so, and goes on afterwards.
#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include "core_test/checks.h"
#include "core_test/machine.h"

namespace sam::core_test {
namespace {

// Whether it was refused, on a GPU in the words that callers tell it by.
bool refused(at::Device device, int64_t bytes, std::vector<at::Tensor>& kept) {
  try {
    kept.push_back(at::empty({bytes}, at::TensorOptions(device).dtype(at::kByte)));
    return false;
  } catch (const c10::OutOfMemoryError&) {
    return true;
  } catch (const c10::Error&) {
    if (device.is_cuda()) throw;
    return true;
  }
}

}  // namespace

void check_memory(const Context& context) {
  const at::NoGradGuard no_grad;
  const auto sam = context.load();
  const Prompts prompts = context.prompts("points", 0, 1);
  const auto decode = [&] {
    return sam->decode(context.embeddings.narrow(0, 0, 1), prompts, MaskOutput::kMulti).logits.cpu();
  };
  const at::Tensor before = decode();
  std::vector<at::Tensor> kept;
  context.report->check("memory/too-much-at-once", refused(context.device, int64_t{1} << 50, kept) ? 0 : 1,
                        0);
  context.report->check("memory/decodes-after", difference(decode(), before), 1e-3);
  if (context.device.is_cpu()) return;  // the kernel would end the process, not refuse

  // Little by little, as a run with batches too large does.
  constexpr int64_t kChunk = int64_t{2} << 30;
  while (kept.size() < 1000 && !refused(context.device, kChunk, kept)) continue;
  context.report->measure("memory/taken", static_cast<double>(kept.size()) * 2, "GiB");
  context.report->check("memory/little-by-little", kept.size() < 1000 ? 0 : 1, 0);
  kept.clear();
  at::accelerator::emptyCache();
  context.report->check("memory/decodes-after-all", difference(decode(), before), 1e-3);
}

}  // namespace sam::core_test
