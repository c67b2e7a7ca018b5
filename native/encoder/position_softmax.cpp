#include "encoder/position_softmax.h"

#include <ATen/ATen.h>
#include <ATen/TensorIterator.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

// One function compiled for several kinds of processor, of which the loader takes the best.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define SAM_FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SAM_FOR_EACH_PROCESSOR
#endif
#define SAM_INLINE inline __attribute__((always_inline))

namespace sam {
namespace {

// Sixteen numbers at a time, in whatever registers there are.
constexpr int64_t kLanes = 16;
template <typename T>
using Lanes __attribute__((vector_size(kLanes * sizeof(T)))) = T;
using Floats = Lanes<float>;
using Ints = Lanes<int32_t>;
using Halves = Lanes<uint16_t>;

SAM_INLINE void load(const float* from, Floats& x) { std::memcpy(&x, from, sizeof(x)); }

SAM_INLINE void load(const at::BFloat16* from, Floats& x) {
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  x = __builtin_bit_cast(Floats, __builtin_convertvector(halves, Ints) << 16);
}

SAM_INLINE void store(const Floats& x, float* to) { std::memcpy(to, &x, sizeof(x)); }

// To the nearest, ties to even.
SAM_INLINE void store(const Floats& x, at::BFloat16* to) {
  const Ints whole = __builtin_bit_cast(Ints, x);
  const Halves halves = __builtin_convertvector((whole + 0x7fff + ((whole >> 16) & 1)) >> 16, Halves);
  std::memcpy(to, &halves, sizeof(halves));
}

SAM_INLINE void larger(Floats& most, const Floats& x) { most = x > most ? x : most; }

// e^x for x <= 0, to 2e-7 relative: 2^n e^r with |r| <= ln(2) / 2 and the Taylor series of e^r. Below -87,
// where e^x leaves the normal numbers, e^-87.
SAM_INLINE void exponential(Floats& x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.F;  // 1.5 * 2^23: what is added to it loses its fraction
  x = x < -87.F ? Floats{} - 87.F : x;
  const Floats shifted = x * kLog2E + kRound;
  const Floats n = shifted - kRound;
  const Floats r = (x - n * kLn2High) - n * kLn2Low;
  Floats series = r * (1.F / 720) + 1.F / 120;
  series = series * r + 1.F / 24;
  series = series * r + 1.F / 6;
  series = series * r + 0.5F;
  series = series * r + 1.F;
  series = series * r + 1.F;
  const Ints power = (__builtin_bit_cast(Ints, shifted) - __builtin_bit_cast(int32_t, kRound) + 127) << 23;
  x = series * __builtin_bit_cast(Floats, power);
}

struct Grid {
  int64_t height, width;
  int64_t chunks() const { return (width + kLanes - 1) / kLanes; }
  int64_t padded() const { return chunks() * kLanes; }
};

// Working memory: the scores of one query, each row of the grid filled up to whole chunks, and its columns.
struct Workspace {
  explicit Workspace(const Grid& grid)
      : scores(grid.height * grid.padded()),
        columns(grid.padded(), -std::numeric_limits<float>::infinity()) {}
  std::vector<float> scores, columns;
};

template <typename T>
SAM_INLINE void softmax(T* scores, const T* rows, const T* columns, const Grid& grid, Workspace& space) {
  const int64_t count = grid.height * grid.width, chunks = grid.chunks();
  for (int64_t x = 0; x < grid.width; ++x) space.columns[x] = static_cast<float>(columns[x]);

  // A row that is no whole number of chunks is read on into the next one, where `columns` has -infinity; the
  // last one ends before that.
  T tail[kLanes] = {};
  Floats most = Floats{} - std::numeric_limits<float>::infinity();
  float* kept = space.scores.data();
  for (int64_t y = 0; y < grid.height; ++y) {
    const auto row = static_cast<float>(rows[y]);
    for (int64_t chunk = 0; chunk < chunks; ++chunk, kept += kLanes) {
      const int64_t at = y * grid.width + chunk * kLanes;
      const T* from = scores + at;
      if (at + kLanes > count) {
        for (int64_t lane = 0; lane < count - at; ++lane) tail[lane] = from[lane];
        from = tail;
      }
      Floats x, column;
      load(from, x);
      load(space.columns.data() + chunk * kLanes, column);
      x += column + row;
      larger(most, x);
      store(x, kept);
    }
  }
  float highest = most[0];
  for (int64_t lane = 1; lane < kLanes; ++lane) highest = most[lane] > highest ? most[lane] : highest;

  Floats sums{};
  const float* end = kept;
  for (kept = space.scores.data(); kept != end; kept += kLanes) {
    Floats x;
    load(kept, x);
    x -= highest;
    exponential(x);
    sums += x;
    store(x, kept);
  }
  float sum = 0;
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += sums[lane];

  // Likewise written on into the next row, before that one is written.
  const float scale = 1 / sum;
  kept = space.scores.data();
  for (int64_t y = 0; y < grid.height; ++y) {
    for (int64_t chunk = 0; chunk < chunks; ++chunk, kept += kLanes) {
      const int64_t at = y * grid.width + chunk * kLanes;
      Floats x;
      load(kept, x);
      x *= scale;
      if (at + kLanes <= count) {
        store(x, scores + at);
      } else {
        store(x, tail);
        for (int64_t lane = 0; lane < count - at; ++lane) scores[at + lane] = tail[lane];
      }
    }
  }
}

// What TensorIterator hands over: the addresses of the scores, rows and columns of outer * inner queries,
// each so many bytes from the last: three strides for the inner step, three for the outer.
struct Queries {
  char** data;
  const int64_t* strides;
  int64_t inner, outer;
};

template <typename T>
SAM_INLINE void softmax_all(const Queries& queries, const Grid& grid) {
  Workspace space(grid);
  for (int64_t j = 0; j < queries.outer; ++j)
    for (int64_t i = 0; i < queries.inner; ++i) {
      const auto address = [&](int operand) {
        const int64_t offset = i * queries.strides[operand] + j * queries.strides[3 + operand];
        return reinterpret_cast<T*>(queries.data[operand] + offset);
      };
      softmax(address(0), address(1), address(2), grid, space);
    }
}

SAM_FOR_EACH_PROCESSOR void softmax_floats(const Queries& queries, const Grid& grid) {
  softmax_all<float>(queries, grid);
}

SAM_FOR_EACH_PROCESSOR void softmax_bfloats(const Queries& queries, const Grid& grid) {
  softmax_all<at::BFloat16>(queries, grid);
}

}  // namespace

void plain_position_softmax_(at::Tensor& scores, const at::Tensor& rows, const at::Tensor& columns) {
  at::Tensor grid = scores.unflatten(-1, {rows.size(-1), columns.size(-1)});
  grid.add_(rows.unsqueeze(-1)).add_(columns.unsqueeze(-2));
  scores.copy_(at::softmax(scores, /*dim=*/-1));
}

void position_softmax_(at::Tensor& scores, const at::Tensor& rows, const at::Tensor& columns) {
  const at::ScalarType type = scores.scalar_type();
  if (!scores.is_cpu() || (type != at::kFloat && type != at::kBFloat16))
    return plain_position_softmax_(scores, rows, columns);
  const Grid grid{rows.size(-1), columns.size(-1)};
  // An iterator over queries: it shares them out among LibTorch's own threads.
  const at::Tensor first = scores.select(-1, 0), row = rows.select(-1, 0), column = columns.select(-1, 0);
  auto queries = at::TensorIteratorConfig()
                     .set_check_mem_overlap(false)
                     .resize_outputs(false)
                     .add_output(first)
                     .add_const_input(row)
                     .add_const_input(column)
                     .build();
  const auto loop = [&](char** data, const int64_t* strides, int64_t inner, int64_t outer) {
    const Queries some{data, strides, inner, outer};
    type == at::kFloat ? softmax_floats(some, grid) : softmax_bfloats(some, grid);
  };
  constexpr int64_t kGrain = 16;
  queries.for_each(loop, kGrain);
}

}  // namespace sam
