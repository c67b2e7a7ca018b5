// A picture as SAM's image encoders want it: long side 1024, normalised, padded.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "model/frame.h"

namespace sam {

// Pillow's antialiased bilinear on 8-bit pixels: uint8 H x W x 3 -> uint8 height x width x 3.
at::Tensor resize_pixels(const at::Tensor& pixels, int64_t height, int64_t width);

// uint8 H x W x 3 (interleaved RGB) -> fp32 1 x 3 x 1024 x 1024: resized (first to `image_size` x
// `image_size`, if given), normalised with ImageNet's mean and deviation, then padded with zeros at right and
// bottom. Throws SAM_BAD_SHAPE for anything but three channels of at least one pixel.
at::Tensor preprocess(const at::Tensor& pixels, std::optional<int64_t> image_size = std::nullopt);

}  // namespace sam
