#include "encoder/fused_attention.h"

#include <ATen/ATen.h>

namespace sam {

at::Tensor fused_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& rows, const at::Tensor& columns) {
  const at::Tensor bias = (rows.unsqueeze(-1) + columns.unsqueeze(-2)).flatten(3, 4).flatten(1, 2);
  // Each map is an image of one head.
  const auto one_head = [](const at::Tensor& x) { return x.unsqueeze(1); };
  const at::Tensor attended = at::scaled_dot_product_attention(
      one_head(q.flatten(1, 2)), one_head(k.transpose(1, 2)), one_head(v), one_head(bias), /*dropout_p=*/0,
      /*is_causal=*/false, /*scale=*/1.0);
  return attended.squeeze(1).unflatten(1, {q.size(1), q.size(2)});
}

}  // namespace sam
