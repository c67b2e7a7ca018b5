// From low-res logits back to the original picture (segment_anything, `Sam.postprocess_masks`).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace sam {

// 256 x 256 logits -> height x width, uint8, 255 where the logit is above 0. With `image_size` the picture
// was squashed to a square before it was encoded (0: it kept its shape).
at::Tensor full_size_mask(const at::Tensor& logits, int64_t height, int64_t width, int64_t image_size);

}  // namespace sam
