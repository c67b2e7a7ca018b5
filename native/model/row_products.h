// Matrix products in the order that each device is fast in.
#pragma once

#include <ATen/ATen.h>

namespace sam {

// The products of every row of `few` (N x F x D) with every row of `many` (N x R x D): N x F x R. In bf16
// oneDNN copies a batch's transposed operand first, which takes four times as long as multiplying: so it is
// the smaller one that is transposed, and then the result.
inline at::Tensor row_products(const at::Tensor& few, const at::Tensor& many) {
  if (many.is_cuda()) return at::matmul(few, many.transpose(1, 2));
  return at::matmul(many, few.transpose(1, 2)).transpose(1, 2).contiguous();
}

}  // namespace sam
