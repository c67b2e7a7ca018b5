// Attention with relative positions by LibTorch's fused attention, as a GPU has it: memory-efficient kernels
// that take the positions as a bias, so that no scores are written out. On the CPU our own softmax is faster.
#pragma once

#include <ATen/core/Tensor.h>

namespace sam {

// q: M x Y x X x D; k: M x D x (H * W); v: M x (H * W) x D; rows: M x Y x X x H and columns: M x Y x X x W,
// what is added to the scores q . k, which are not scaled. -> M x Y x X x D.
at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& rows, const at::Tensor& columns);

}  // namespace sam
