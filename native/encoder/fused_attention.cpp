#include "encoder/fused_attention.h"

#include <ATen/ATen.h>

namespace sam {

FusedArguments fused_arguments(const Maps& maps, const Positions& added) {
  constexpr int64_t kAlignment = 8;
  const at::Tensor rows = added.rows.unsqueeze(-1), columns = added.columns.unsqueeze(-2);
  const int64_t queries = maps.q.size(1) * maps.q.size(2), keys = maps.k.size(1);
  const int64_t padded = (keys + kAlignment - 1) / kAlignment * kAlignment;
  const at::Tensor bias = at::empty({maps.q.size(0), queries, padded}, rows.options()).narrow(-1, 0, keys);
  at::Tensor grid =
      bias.unflatten(2, {rows.size(3), columns.size(4)}).unflatten(1, {maps.q.size(1), maps.q.size(2)});
  at::add_out(grid, rows, columns);
  // Each map is an image of one head.
  const auto one_head = [](const at::Tensor& x) { return x.unsqueeze(1); };
  return {one_head(maps.q.flatten(1, 2)), one_head(maps.k), one_head(maps.v), one_head(bias)};
}

at::Tensor fused_attention(const Maps& maps, const Positions& added) {
  const FusedArguments x = fused_arguments(maps, added);
  const at::Tensor attended = at::scaled_dot_product_attention(x.q, x.k, x.v, x.bias, /*dropout_p=*/0,
                                                               /*is_causal=*/false, /*scale=*/1.0);
  return attended.squeeze(1).unflatten(1, {maps.q.size(1), maps.q.size(2)});
}

}  // namespace sam
