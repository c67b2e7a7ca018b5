// The kernel of our own against LibTorch's operators: grids whose rows are whole chunks of sixteen, and not.
#include <ATen/ATen.h>
#include <ATen/SDPBackend.h>

#include "core_test/checks.h"
#include "encoder/fused_attention.h"
#include "encoder/position_softmax.h"

namespace sam::core_test {
namespace {

struct Attention {
  at::Tensor scores, rows, columns;
};

// Of scores in the hundreds all but a few exponentials underflow, and the order of the sums shows.
Attention drawn(int64_t height, int64_t width, double size, at::ScalarType type, at::Device device) {
  const auto numbers = [&](at::IntArrayRef shape, double scale) {
    const at::Tensor steps = at::arange(c10::multiply_integers(shape), at::kFloat).reshape(shape);
    return ((steps * 12.9898).sin() * scale).to(device, type);
  };
  // Rows and columns as the encoder has them: views, whose numbers lie apart.
  return {numbers({3, 2, 5, height * width}, size), numbers({3, 5, 2, height}, size / 8).transpose(1, 2),
          numbers({3, 2, 5, width + 7}, size / 8).slice(3, 3, 3 + width)};
}

double error(int64_t height, int64_t width, double size, at::ScalarType type, at::Device device) {
  Attention x = drawn(height, width, size, type, device);
  at::Tensor expected = x.scores.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  plain_position_softmax_(expected, x.rows.to(at::kFloat), x.columns.to(at::kFloat));
  position_softmax_(x.scores, x.rows, x.columns);
  return difference(x.scores.to(at::kFloat), expected);
}

// Of the GPU's way beside the CPU's; both run anywhere.
double fused_error(int64_t height, int64_t width, at::Device device) {
  const Attention x = drawn(height, width, 3, at::kFloat, device);
  const auto numbers = [&](at::IntArrayRef shape) {
    const at::Tensor steps = at::arange(c10::multiply_integers(shape), at::kFloat).reshape(shape);
    return (steps * 78.233).sin().to(device);
  };
  const at::Tensor q = numbers({3, 2, 5, 16}), k = numbers({3, height * width, 16});
  const at::Tensor v = numbers({3, height * width, 16});
  at::Tensor shares = at::bmm(q.flatten(1, 2), k.transpose(1, 2)).unflatten(1, {2, 5});
  plain_position_softmax_(shares, x.rows, x.columns);
  const at::Tensor expected = at::bmm(shares.flatten(1, 2), v).unflatten(1, {2, 5});
  return difference(fused_attention({q, k, v}, {x.rows, x.columns}), expected);
}

// Whether LibTorch takes a fused kernel for a ViT's attention of this depth, given `rows` of its queries at a
// time.
bool fuses(int64_t side, int64_t rows, int64_t depth, at::ScalarType type, at::Device device) {
  constexpr int64_t kHeads = 2;
  const at::NoGradGuard no_grad;
  const at::Tensor qkv = at::ones({1, 1, 1, side, side, 3 * kHeads * depth}, at::device(device).dtype(type));
  Maps maps = maps_of(qkv, kHeads);
  maps.q = maps.q.slice(1, 0, rows).contiguous();
  const at::Tensor table = at::ones({depth, 2 * (2 * side - 1)}, qkv.options());
  const FusedArguments x = fused_arguments(maps, positions_of(maps.q, table, 0));
  bool aligned = x.bias.stride(-1) == 1;
  for (int64_t dim = 0; dim < 3; ++dim)
    aligned = aligned && x.bias.stride(dim) % 8 == 0;  // else it is copied
  const auto choice = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(x.q, x.k, x.v, x.bias, /*dropout_p=*/0, /*is_causal=*/false, /*scale=*/1.0));
  return aligned && choice != at::SDPBackend::math;
}

void check_fused(const Context& context) {
  for (const int64_t depth : {64, 80})
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
      const std::string name =
          "softmax/fused/" + std::string(c10::toString(type)) + "/" + std::to_string(depth);
      const auto wrong = [&](int64_t side, int64_t rows) {
        return fuses(side, rows, depth, type, context.device) ? 0.0 : 1.0;
      };
      context.report->check(name + "/window", wrong(14, 14), 0);
      context.report->check(name + "/global", wrong(64, 8), 0);
    }
}

}  // namespace

void check_softmax(const Context& context) {
  const at::Device device = context.device;
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>(64, 64), {14, 14}, {3, 16}, {1, 1}, {5, 33}})
    for (const double size : {3.0, 300.0}) {
      const std::string name = "softmax/" + std::to_string(height) + "x" + std::to_string(width) +
                               (size > 100 ? "/large" : "/small");
      context.report->check(name + "/fp32", error(height, width, size, at::kFloat, device),
                            size > 100 ? 5e-5 : 2e-6);
      // Probabilities are rounded once; on a GPU the sums of the scores are, too.
      if (device.is_cpu())
        context.report->check(name + "/bf16", error(height, width, size, at::kBFloat16, device), 0.002);
    }
  context.report->check("softmax/fused-attention",
                        std::max(fused_error(14, 14, device), fused_error(5, 33, device)), 2e-5);
  check_fused(context);
  Attention x = drawn(14, 14, 3, at::kFloat, device);
  x.scores[1][1][3][195] = std::numeric_limits<float>::quiet_NaN();
  position_softmax_(x.scores, x.rows, x.columns);
  const bool only_there = x.scores[1][1][3].isnan().all().item<bool>() &&
                          x.scores.isnan().sum().item<int64_t>() == x.scores.size(-1);
  context.report->check("softmax/nan-stays-seen", only_there ? 0 : 1, 0);
}

}  // namespace sam::core_test
