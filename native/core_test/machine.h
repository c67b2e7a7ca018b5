// The device that is checked: which it is, and what it can say of itself. No CUDA header.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>
#include <utility>
#include <vector>

#include "core_test/report.h"

namespace sam::core_test {

using NamedType = std::pair<const char*, at::ScalarType>;

// The half types worth trying: on a CPU fp16 is slow, and nobody's choice.
std::vector<NamedType> half_types(at::Device device);
// fp32 and those.
std::vector<NamedType> all_types(at::Device device);

// Waits until all work given to it is done.
void synchronize(at::Device device);

// Card, capability, memory, driver, cuDNN, and the LibTorch that was loaded.
void describe_machine(at::Device device, Report& report);

// The most memory that tensors took since the last reset; 0 on a CPU.
void reset_peak_memory(at::Device device);
double peak_memory_gib(at::Device device);

}  // namespace sam::core_test
