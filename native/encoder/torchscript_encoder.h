// Image encoders that run as TorchScript: from a file of it, or built from weights.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>
#include <string>

#include "encoder/image_encoder.h"

namespace sam {

// For `device`, with weights of `dtype`, from a file of either kind:
// - TorchScript whose `forward(N x 3 x 1024 x 1024)` gives N x 256 x 64 x 64. One that also has
//   `slice_count() -> int` and `run_slice(int, Tensor) -> Tensor` runs in slices, any other in one. `check`
//   runs it once on zeros.
// - Weights that hold an image encoder (built_encoder.h), which is built in memory: nothing is stored twice.
// Throws SAM_IO (no such file), SAM_BAD_CHECKPOINT (weights without an encoder that can be built) or
// SAM_BAD_ENCODER (neither, cut short, fails, or gives another shape), saying what it gave and what is
// needed.
std::unique_ptr<ImageEncoder> load_encoder(const std::string& path, at::Device device, at::ScalarType dtype,
                                           bool check);

}  // namespace sam
