#include "encoder/attention_maps.h"

#include <ATen/ATen.h>

namespace sam {

Maps maps_of(const at::Tensor& windows, int64_t heads) {
  const int64_t side = windows.size(3), depth = windows.size(5) / (3 * heads);
  const at::Tensor all = windows.unflatten(5, {3, heads, depth})
                             .permute({5, 0, 1, 2, 6, 3, 4, 7})
                             .reshape({3, -1, side, side, depth});
  return {all[0], all[1].flatten(1, 2), all[2].flatten(1, 2)};
}

at::Tensor windows_of(const at::Tensor& maps, const at::Tensor& windows) {
  const int64_t side = maps.size(1);
  return maps.reshape({windows.size(0), windows.size(1), windows.size(2), -1, side, side, maps.size(3)})
      .permute({0, 1, 2, 4, 5, 3, 6});
}

// The tables hold a vector for each distance, last one first, so that the side's vectors for a query in row y
// are the ones from side - 1 - y on: a view, whose rows each begin one number earlier.
Positions positions_of(const at::Tensor& q, const at::Tensor& table, int64_t first) {
  const int64_t maps = q.size(0), count = q.size(1), side = q.size(2), distances = 2 * side - 1;
  const at::Tensor all = at::matmul(q, table);  // maps x count x side x (2 * distances)
  const int64_t query = all.size(3), row = side * query, map = count * row;
  return {all.as_strided({maps, count, side, side}, {map, row - 1, query, 1}, side - 1 - first),
          all.as_strided({maps, count, side, side}, {map, row, query - 1, 1}, distances + side - 1)};
}

}  // namespace sam
