#include "encoder/preprocess.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "error.h"
#include "text.h"

namespace sam {
namespace {

constexpr std::array<float, 3> kMean{0.485F, 0.456F, 0.406F};
constexpr std::array<float, 3> kDeviation{0.229F, 0.224F, 0.225F};

// Pillow resizes 8-bit pictures in fixed point, one axis after the other, rounding half up in between.
// Floating point (at::_upsample_bilinear2d_aa) differs from it by 1 in up to a sixth of the pixels, hence
// this: the same integers.
constexpr int kFractionBits = 22;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

// What an output pixel takes of the input along one axis: `weights[i]` of pixel `first + i`.
struct Taps {
  int64_t first;
  std::vector<int32_t> weights;
};

std::vector<Taps> bilinear_taps(int64_t input, int64_t output) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double reach = std::max(scale, 1.0);  // of the triangle, in input pixels
  std::vector<Taps> all;
  for (int64_t i = 0; i < output; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(centre - reach + 0.5));
    const auto last = std::min<int64_t>(input, static_cast<int64_t>(centre + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t x = first; x < last; ++x) {
      weights.push_back(
          std::max(0.0, 1.0 - std::abs((static_cast<double>(x) - centre + 0.5) * (1.0 / reach))));
      sum += weights.back();
    }
    Taps taps{first, {}};
    for (const double weight : weights)
      taps.weights.push_back(static_cast<int32_t>(0.5 + weight / sum * (1 << kFractionBits)));
    all.push_back(std::move(taps));
  }
  return all;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

at::Tensor resize_width(const at::Tensor& pixels, int64_t width) {
  const int64_t row_bytes = pixels.size(1) * 3;
  if (pixels.size(1) == width) return pixels;
  const at::Tensor out = at::empty({pixels.size(0), width, 3}, at::kByte);
  const std::vector<Taps> columns = bilinear_taps(pixels.size(1), width);
  const auto* row = pixels.const_data_ptr<uint8_t>();
  auto* to = out.mutable_data_ptr<uint8_t>();
  for (int64_t y = 0; y < pixels.size(0); ++y, row += row_bytes)
    for (const Taps& taps : columns) {
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      const uint8_t* pixel = row + taps.first * 3;
      for (const int32_t weight : taps.weights) {
        red += pixel[0] * weight;
        green += pixel[1] * weight;
        blue += pixel[2] * weight;
        pixel += 3;
      }
      *to++ = to_byte(red);
      *to++ = to_byte(green);
      *to++ = to_byte(blue);
    }
  return out;
}

at::Tensor resize_height(const at::Tensor& pixels, int64_t height) {
  const int64_t row_bytes = pixels.size(1) * 3;
  if (pixels.size(0) == height) return pixels;
  const at::Tensor out = at::empty({height, pixels.size(1), 3}, at::kByte);
  const auto* from = pixels.const_data_ptr<uint8_t>();
  auto* to = out.mutable_data_ptr<uint8_t>();
  std::vector<int32_t> sums(static_cast<size_t>(row_bytes));
  for (const Taps& taps : bilinear_taps(pixels.size(0), height)) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const uint8_t* row = from + taps.first * row_bytes;
    for (const int32_t weight : taps.weights) {
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i] * weight;
      row += row_bytes;
    }
    to = std::transform(sums.begin(), sums.end(), to, to_byte);
  }
  return out;
}

// A byte has few values: what each becomes is computed once.
std::array<std::array<float, 256>, 3> normalised_bytes() {
  std::array<std::array<float, 256>, 3> all{};
  for (size_t channel = 0; channel < 3; ++channel)
    for (size_t value = 0; value < 256; ++value)
      all[channel][value] =
          (static_cast<float>(value) * (1.0F / 255.0F) - kMean[channel]) / kDeviation[channel];
  return all;
}

// height x width x 3 bytes -> 1 x 3 x 1024 x 1024, zeros at right and bottom.
at::Tensor normalise(const at::Tensor& picture) {
  static const auto kTable = normalised_bytes();
  const int64_t height = picture.size(0), width = picture.size(1);
  at::Tensor out = at::empty({1, 3, kModelSize, kModelSize});
  const auto* from = picture.const_data_ptr<uint8_t>();
  for (int64_t y = 0; y < kModelSize; ++y) {
    float* const row = out.mutable_data_ptr<float>() + y * kModelSize;
    const int64_t filled = y < height ? width : 0;
    for (int64_t channel = 0; channel < 3; ++channel) {
      float* const to = row + channel * kModelSize * kModelSize;
      for (int64_t x = 0; x < filled; ++x) to[x] = kTable[channel][from[x * 3 + channel]];
      std::fill(to + filled, to + kModelSize, 0.0F);
    }
    from += filled * 3;
  }
  return out;
}

}  // namespace

at::Tensor resize_pixels(const at::Tensor& pixels, int64_t height, int64_t width) {
  at::Tensor picture = pixels.contiguous();
  const int64_t narrower = picture.size(1) - width, lower = picture.size(0) - height;
  // As Pillow 13 has it; older ones always begin with the width, which then differs by 1 here and there.
  const bool rows_first = lower > 0 && lower > 2 * narrower;
  if (rows_first) picture = resize_height(picture, height);
  picture = resize_width(picture, width);
  return resize_height(picture, height);
}

at::Tensor preprocess(const at::Tensor& pixels, std::optional<int64_t> image_size) {
  if (pixels.dim() != 3 || pixels.size(2) != 3 || pixels.numel() == 0 || pixels.scalar_type() != at::kByte)
    throw Error("SAM_BAD_SHAPE",
                "a picture must be height x width x 3 bytes, got " + shape_text(pixels.sizes()));
  const at::NoGradGuard no_grad;
  at::Tensor picture = image_size ? resize_pixels(pixels, *image_size, *image_size) : pixels;
  const auto [height, width] = resized_size(picture.size(0), picture.size(1));
  picture = resize_pixels(picture, height, width);

  return normalise(picture);
}

}  // namespace sam
