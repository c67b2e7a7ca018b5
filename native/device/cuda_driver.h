// What CUDA's driver sees, whatever LibTorch can do with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sam {

struct CudaDevice {
  std::string name;
  uint64_t memory_bytes;
  std::string capability;  // e.g. 7.5
};

std::vector<CudaDevice> cuda_devices();

}  // namespace sam
