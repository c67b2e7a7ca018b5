// An image encoder from a file of any kind.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>
#include <string>

#include "encoder/image_encoder.h"

namespace sam {

// For `device`, with weights of `dtype`, from
// - TorchScript (torchscript_encoder.h), which `check` runs once, or
// - weights that hold an image encoder (image_encoders.h): nothing is stored twice.
// Throws SAM_IO (no such file), SAM_BAD_CHECKPOINT (weights without an encoder that can be built) or
// SAM_BAD_ENCODER (neither, or TorchScript that is no such encoder).
std::unique_ptr<ImageEncoder> load_encoder(const std::string& path, at::Device device, at::ScalarType dtype,
                                           bool check);

}  // namespace sam
