// Image encoders from TorchScript files: MobileSAM's, as written by tiny_vit, or anyone's own.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>
#include <string>

#include "encoder/image_encoder.h"

namespace sam {

// Loads a `.pt` whose `forward(N x 3 x 1024 x 1024)` gives N x 256 x 64 x 64, for `device`, with weights of
// `dtype`. A file that also has `slice_count() -> int` and `run_slice(int, Tensor) -> Tensor` runs in slices,
// any other in one. `check` runs it once on zeros. Throws SAM_IO (no such file) or SAM_BAD_ENCODER (not
// TorchScript, cut short, fails, or gives another shape), saying what it gave and what is needed.
std::unique_ptr<ImageEncoder> load_torchscript_encoder(const std::string& path, at::Device device,
                                                       at::ScalarType dtype, bool check);

}  // namespace sam
