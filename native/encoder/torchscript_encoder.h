// Image encoders that run as TorchScript.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>

#include "encoder/image_encoder.h"

namespace sam {

// A module whose `forward(N x 3 x 1024 x 1024)` gives N x 256 x 64 x 64. One that also has `slice_count() ->
// int` and `run_slice(int, Tensor) -> Tensor` runs in slices, any other in one. `path` is what errors name
// (SAM_BAD_ENCODER: no forward; when it runs, another shape, saying what it gave and what is needed).
std::unique_ptr<ImageEncoder> torchscript_encoder(const std::string& path, torch::jit::Module module,
                                                  at::Device device, at::ScalarType dtype);

// From a file. `check` runs it once on zeros; one that fails in a half type because fp32 is written down in
// it then runs in mixed precision. Throws SAM_IO (no such file) or SAM_BAD_ENCODER (no TorchScript, cut
// short, fails, or as above).
std::unique_ptr<ImageEncoder> load_torchscript(const std::string& path, at::Device device,
                                               at::ScalarType dtype, bool check);

}  // namespace sam
