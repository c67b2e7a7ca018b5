// The one interface behind which image encoders stand: 1024 x 1024 pictures in, SAM's image embeddings out.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <utility>

namespace sam {

// Runs in slices, so that whoever shares the machine waits for one slice and not for a whole image. Slice 0
// takes N x 3 x 1024 x 1024 fp32 (preprocessed, on any device), each next one what the last gave, and the
// last slice gives N x 256 x 64 x 64 fp32 on `device()`. What passes between slices is the encoder's own
// business. Not thread-safe.
class ImageEncoder {
 public:
  virtual ~ImageEncoder() = default;

  virtual int64_t slices() const = 0;
  virtual at::Tensor run_slice(int64_t slice, at::Tensor x) = 0;
  virtual at::Device device() const = 0;

  // All the slices in order.
  at::Tensor encode(at::Tensor images) {
    for (int64_t slice = 0; slice < slices(); ++slice) images = run_slice(slice, std::move(images));
    return images;
  }
};

}  // namespace sam
