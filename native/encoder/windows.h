// Windows of tokens, within which image encoders attend, under segment-anything's names. As TorchScript they
// are in export/window_script.h.
#pragma once

#include <ATen/ATen.h>

namespace sam {

// N x H x W x C -> N x down x across x side x side x C, a view. Where the last windows reach over the right
// or bottom edge, they hold `outside` (C): what the layers before make of the zeros that the paper pads with.
inline at::Tensor window_partition(const at::Tensor& x, int64_t side, const at::Tensor& outside) {
  const int64_t n = x.size(0), height = x.size(1), width = x.size(2);
  const int64_t down = (height + side - 1) / side, across = (width + side - 1) / side;
  at::Tensor whole = x;
  if (down * side > height || across * side > width) {
    whole = outside.expand({n, down * side, across * side, -1}).clone();
    whole.slice(1, 0, height).slice(2, 0, width).copy_(x);
  }
  return whole.reshape({n, down, side, across, side, -1}).transpose(2, 3);
}

// N x down x across x side x side x ... -> N x height x width x C, the last sides as one, what is outside cut
// off.
inline at::Tensor window_unpartition(const at::Tensor& windows, int64_t height, int64_t width) {
  const int64_t down = windows.size(1), across = windows.size(2), side = windows.size(3);
  return windows.transpose(2, 3)
      .reshape({windows.size(0), down * side, across * side, -1})
      .slice(1, 0, height)
      .slice(2, 0, width);
}

}  // namespace sam
