// The sizes that SAM's frames have, and how a picture fits into them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sam {

inline constexpr int64_t kModelSize = 1024;    // side of the model frame, pixels
inline constexpr int64_t kEmbeddingSize = 64;  // side of the image embedding
inline constexpr int64_t kLowResSize = 256;    // side of the low-res masks
inline constexpr int64_t kEmbeddingDim = 256;  // channels of the embedding

// Height and width after resizing the long side to 1024: int(side * 1024 / long + 0.5), as the reference has
// it.
inline std::pair<int64_t, int64_t> resized_size(int64_t height, int64_t width) {
  const double scale = static_cast<double>(kModelSize) / static_cast<double>(std::max(height, width));
  const auto side = [scale](int64_t length) {
    return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(length) * scale + 0.5));
  };
  return {side(height), side(width)};
}

}  // namespace sam
