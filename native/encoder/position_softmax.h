// Attention's softmax over a grid of keys whose scores also hold relative positions: the one kernel of our
// own.
//
// In LibTorch's operators it is two additions that broadcast and a softmax, each a pass through memory; on
// two cores of an AMD EPYC they took 70 % of SAM's global attention, more than both matrix products together.
#pragma once

#include <ATen/core/Tensor.h>

namespace sam {

// softmax over the keys of scores[..., y * W + x] + rows[..., y] + columns[..., x], in place.
//
// `scores`: ... x (H * W), contiguous. `rows`: ... x H and `columns`: ... x W, of the same type, dense in
// their last side, whatever the strides before it. fp32, bf16 or fp16, on any device; fp32 and bf16 on the
// CPU take the kernel, which adds and exponentiates in fp32 whatever the type.
void position_softmax_(at::Tensor& scores, const at::Tensor& rows, const at::Tensor& columns);

// The same in LibTorch's operators.
void plain_position_softmax_(at::Tensor& scores, const at::Tensor& rows, const at::Tensor& columns);

}  // namespace sam
