#include "device/cuda.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/ones.h>
#include <c10/util/Exception.h>

#include <mutex>
#include <set>

#include "device/cuda_driver.h"
#include "device/cuda_library.h"
#include "error.h"

namespace sam {

// LibTorch looks for its CUDA half once, at the first question: so not before the library is loaded. The
// first convolution and the first backward pass ask too.
bool cuda_available() { return load_cuda_library() && at::detail::getCUDAHooks().deviceCount() > 0; }

std::optional<std::string> cuda_problem(int index) {
  static std::mutex mutex;
  static std::set<int> computing;  // asked once: the answer waits for all that the GPU is at
  const std::lock_guard lock(mutex);
  if (computing.contains(index)) return std::nullopt;
  try {
    at::ones({1}, at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index))).add_(1).item<float>();
  } catch (const c10::Error& error) {
    const std::string words = error.what_without_backtrace();
    return words.substr(0, words.find('\n'));
  }
  computing.insert(index);
  return std::nullopt;
}

void require_cuda(int index) {
  const size_t present = cuda_devices().size();
  if (!load_cuda_library()) {
    const std::string why = cuda_library_failure().empty() ? "this LibTorch is a CPU build"
                                                           : "LibTorch's CUDA library does not load";
    throw Error("SAM_NO_CUDA",
                "no GPU can be used: " + why + " (GPUs present: " + std::to_string(present) + ")",
                cuda_library_failure());
  }
  if (!cuda_available()) {
    if (present == 0) throw Error("SAM_NO_CUDA", "no GPU can be used: CUDA libraries found, no device");
    const bool late = !at::detail::getCUDAHooks().hasCUDART();
    throw Error(
        "SAM_NO_CUDA",
        late ? "too late for a GPU: this process has computed on the CPU before it first asked for one, "
               "and LibTorch looks for its CUDA library only once"
             : "no GPU can be used: CUDA libraries found, but not for this GPU or its driver");
  }
  if (index >= at::detail::getCUDAHooks().deviceCount())
    throw Error("SAM_NO_CUDA", "there is no GPU " + std::to_string(index) + ": this machine has " +
                                   std::to_string(at::detail::getCUDAHooks().deviceCount()));
  if (const auto problem = cuda_problem(index))
    throw Error("SAM_NO_CUDA", "GPU " + std::to_string(index) + " cannot be used: " + *problem);
}

}  // namespace sam
