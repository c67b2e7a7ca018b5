#include "encoder/preprocess.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "error.h"

namespace sam {
namespace {

constexpr std::array<float, 3> kMean{0.485F, 0.456F, 0.406F};
constexpr std::array<float, 3> kDeviation{0.229F, 0.224F, 0.225F};

// Both passes of Pillow round to 8 bits, half up.
at::Tensor rounded(const at::Tensor& x) { return x.add(0.5).floor_().clamp_(0, 255); }

at::Tensor resize_pass(const at::Tensor& x, int64_t height, int64_t width) {
  return rounded(at::_upsample_bilinear2d_aa(x, {height, width}, /*align_corners=*/false));
}

}  // namespace

std::pair<int64_t, int64_t> resized_size(int64_t height, int64_t width) {
  const double scale = static_cast<double>(kModelSide) / static_cast<double>(std::max(height, width));
  const auto side = [scale](int64_t length) {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(length) * scale + 0.5));
  };
  return {side(height), side(width)};
}

at::Tensor resize_pixels(const at::Tensor& pixels, int64_t height, int64_t width) {
  if (pixels.size(0) == height && pixels.size(1) == width) return pixels;
  at::Tensor x = pixels.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat).contiguous();
  if (x.size(3) != width) x = resize_pass(x, x.size(2), width);
  if (x.size(2) != height) x = resize_pass(x, height, width);
  return x.squeeze(0).permute({1, 2, 0}).to(at::kByte).contiguous();
}

at::Tensor preprocess(const at::Tensor& pixels, std::optional<int64_t> image_size) {
  if (pixels.dim() != 3 || pixels.size(2) != 3 || pixels.numel() == 0 || pixels.scalar_type() != at::kByte) {
    std::ostringstream shape;
    shape << pixels.sizes();
    throw Error("SAM_BAD_SHAPE", "a picture must be height x width x 3 bytes, got " + shape.str());
  }
  const at::NoGradGuard no_grad;
  at::Tensor picture = image_size ? resize_pixels(pixels, *image_size, *image_size) : pixels;
  const auto [height, width] = resized_size(picture.size(0), picture.size(1));
  picture = resize_pixels(picture, height, width);

  at::Tensor out = at::zeros({1, 3, kModelSide, kModelSide});
  for (int64_t channel = 0; channel < 3; ++channel) {
    at::Tensor into = out.select(1, channel).slice(1, 0, height).slice(2, 0, width).squeeze(0);
    into.copy_(picture.select(2, channel));
    into.mul_(1.0 / 255.0).sub_(kMean[channel]).div_(kDeviation[channel]);
  }
  return out;
}

}  // namespace sam
