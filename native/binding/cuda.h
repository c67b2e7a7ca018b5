// CUDA at run time: the addon is linked against the CPU library alone, and the CUDA library of the same
// LibTorch is loaded when a GPU is asked for. No CUDA header, no toolkit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sam::binding {

struct CudaDevice {
  std::string name;
  uint64_t memory_bytes;
  std::string capability;  // e.g. 7.5
};

// Loads libtorch_cuda beside the libtorch_cpu in use; false where that LibTorch has none. Once a process.
bool load_cuda_library();

// LibTorch can compute on a GPU now.
bool cuda_available();

// What the driver sees, whatever LibTorch can do with it.
std::vector<CudaDevice> cuda_devices();

// SAM_NO_CUDA, saying which of the three is missing, unless GPU `index` can be used.
void require_cuda(int index);

}  // namespace sam::binding
