// A TorchScript module to another device and type, with all that it holds.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <torch/csrc/jit/api/module.h>

namespace sam {

// Moves every tensor to `device`, and those of floating point to `dtype`, in place: shared ones stay shared.
// LibTorch's own Module::to makes floats of integers that index, and forgets tensors that are plain
// attributes and what tracing and freezing made constants of the graphs: tensors, and the device they were
// made on.
void move_module(torch::jit::Module& module, at::Device device, at::ScalarType dtype);

}  // namespace sam
