// The small tensors of a batch to a GPU in one copy, for which nobody waits.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <vector>

namespace sam {

// Moves these tensors, which lie on the CPU, to `device`; undefined ones stay so.
void move_together(const std::vector<at::Tensor*>& tensors, at::Device device);

// The same for any device: as views of one buffer, page-locked on its way to a GPU.
void move_packed(const std::vector<at::Tensor*>& tensors, at::Device device);

}  // namespace sam
