// Matrix products between a few rows and many, in the order that oneDNN is fast in, forwards and backwards: in
// bf16 it copies a batch's transposed operand first, which for many rows takes four times as long as
// multiplying. So only the few, and the results, are ever transposed. Both run, and answer, in the type of
// matrix products.
#pragma once

#include <ATen/core/Tensor.h>

namespace sam {

// few: N x F x D, many: N x R x D -> N x F x R: the product of every row of `few` with every row
// of `many`.
at::Tensor row_products(const at::Tensor& few, const at::Tensor& many);

// shares: N x F x R, many: N x R x D -> N x F x D: sums of the rows of `many`.
at::Tensor row_sums(const at::Tensor& shares, const at::Tensor& many);

}  // namespace sam
