// Whoever asks for fp32 on a GPU means it: cuDNN's convolutions would round to TF32, and so would matrix
// products where the environment says so (TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, which NVIDIA's containers set).
#pragma once

#include <ATen/Context.h>

namespace sam {

// For what computes in `type` on `device`; a setting of the whole process, never taken back.
inline void keep_exact(at::Device device, at::ScalarType type) {
  if (!device.is_cuda() || type != at::kFloat) return;
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

}  // namespace sam
