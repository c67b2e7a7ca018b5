// Attention with relative positions by LibTorch's fused attention, as a GPU has it: memory-efficient kernels
// that take the positions as a bias, so that no scores are written out. On the CPU our own softmax is faster.
#pragma once

#include <ATen/core/Tensor.h>

#include "encoder/attention_maps.h"

namespace sam {

// What LibTorch's attention is given: M x 1 x L x D, M x 1 x S x D twice, and M x 1 x L x S. A fused kernel
// takes only what lies as it wants: numbers of a row side by side, rows of the bias a multiple of eight
// apart.
struct FusedArguments {
  at::Tensor q, k, v, bias;
};

FusedArguments fused_arguments(const Maps& maps, const Positions& added);

// maps.q: M x Y x X x D; added: M x Y x X x H and M x Y x X x W, what is added to the scores q . k, which are
// not scaled. -> M x Y x X x D.
at::Tensor fused_attention(const Maps& maps, const Positions& added);

}  // namespace sam
