#include "model/postprocess.h"

#include <ATen/ATen.h>

#include <utility>

#include "model/frame.h"

namespace sam {
namespace {

constexpr double kMaskThreshold = 0.0;

at::Tensor resize(const at::Tensor& x, int64_t height, int64_t width) {
  if (x.size(2) == height && x.size(3) == width) return x;
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/false);
}

}  // namespace

at::Tensor full_size_mask(const at::Tensor& logits, int64_t height, int64_t width, int64_t image_size) {
  const auto [rows, columns] =
      image_size > 0 ? std::pair{kModelSize, kModelSize} : resized_size(height, width);
  at::Tensor x = resize(logits.reshape({1, 1, kLowResSize, kLowResSize}), kModelSize, kModelSize);
  x = resize(x.slice(2, 0, rows).slice(3, 0, columns).contiguous(), height, width);
  return x.gt(kMaskThreshold).to(at::kByte).mul_(255).reshape({height, width}).cpu();
}

}  // namespace sam
