#include "model/postprocess.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "model/prompt_encoder.h"

namespace sam {
namespace {

constexpr double kMaskThreshold = 0.0;

at::Tensor resize(const at::Tensor& x, int64_t height, int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/false);
}

}  // namespace

std::pair<int64_t, int64_t> resized_shape(int64_t height, int64_t width) {
  const double scale = static_cast<double>(kModelSize) / static_cast<double>(std::max(height, width));
  const auto side = [&](int64_t length) {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(length) * scale + 0.5));
  };
  return {side(height), side(width)};
}

at::Tensor full_size_mask(const at::Tensor& logits, int64_t height, int64_t width, int64_t image_size) {
  const auto [rows, columns] =
      image_size > 0 ? std::pair{kModelSize, kModelSize} : resized_shape(height, width);
  at::Tensor x = resize(logits.reshape({1, 1, kLowResSize, kLowResSize}), kModelSize, kModelSize);
  x = resize(x.slice(2, 0, rows).slice(3, 0, columns).contiguous(), height, width);
  return x.gt(kMaskThreshold).to(at::kByte).mul_(255).reshape({height, width}).cpu();
}

}  // namespace sam
