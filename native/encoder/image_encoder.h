// The one interface behind which image encoders stand: 1024 x 1024 pictures in, SAM's image embeddings out.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
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

  virtual at::Device device() const = 0;

  int64_t slices() const { return device().is_cuda() ? std::min(kSlicesOfGpu, layers()) : layers(); }

  at::Tensor run_slice(int64_t slice, at::Tensor x) {
    const c10::OptionalDeviceGuard here(device());
    const int64_t end = (slice + 1) * layers() / slices();
    for (int64_t layer = slice * layers() / slices(); layer < end; ++layer)
      x = run_layer(layer, std::move(x));
    return x;
  }

  // All the slices in order.
  at::Tensor encode(at::Tensor images) {
    for (int64_t slice = 0; slice < slices(); ++slice) images = run_slice(slice, std::move(images));
    return images;
  }

 protected:
  // An image is through a GPU in tenths of a second, and a slice is a trip over the main thread.
  static constexpr int64_t kSlicesOfGpu = 4;

  // The steps of the way, of which a slice is one or, on a GPU, several.
  virtual int64_t layers() const = 0;
  virtual at::Tensor run_layer(int64_t layer, at::Tensor x) = 0;
};

}  // namespace sam
