#include "encoder/vit_encoder.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "encoder/fused_attention.h"
#include "encoder/position_softmax.h"
#include "encoder/windows.h"
#include "model/frame.h"

namespace sam {
namespace {

// Activations are N x H x W x C, H = W = 64. A map is one head in one window of one image.

at::Tensor norm(const ViTNorm& weights, const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, weights.weight, weights.bias, kViTNormEpsilon);
}

// On the CPU a 1 x 1 convolution: it goes to oneDNN in every type, whereas fp32 linear goes to MKL, which on
// AMD processors is half as fast.
at::Tensor linear(const ViTLinear& weights, const at::Tensor& x) {
  if (x.is_cuda()) return at::linear(x, weights.weight, weights.bias);
  const at::Tensor kernel = weights.weight.unsqueeze(-1).unsqueeze(-1);
  return at::conv2d(x.permute({0, 3, 1, 2}), kernel, weights.bias).permute({0, 2, 3, 1});
}

// q: maps x side x side x D; k: maps x D x tokens, dense (oneDNN multiplies by a transposed one four times as
// slowly); v: maps x tokens x D.
struct Maps {
  at::Tensor q, k, v;
};

// N x down x across x side x side x 3C -> N * down * across * heads maps.
Maps maps_of(const at::Tensor& windows, int64_t heads) {
  const int64_t side = windows.size(3), depth = windows.size(5) / (3 * heads);
  const at::Tensor all = windows.unflatten(5, {3, heads, depth})
                             .permute({5, 0, 1, 2, 6, 3, 4, 7})
                             .reshape({3, -1, side, side, depth});
  return {all[0], all[1].flatten(1, 2).transpose(1, 2).contiguous(), all[2].flatten(1, 2)};
}

// Back again: maps x side x side x D -> N x down x across x side x side x heads x D.
at::Tensor windows_of(const at::Tensor& maps, const at::Tensor& windows) {
  const int64_t side = maps.size(1);
  return maps.reshape({windows.size(0), windows.size(1), windows.size(2), -1, side, side, maps.size(3)})
      .permute({0, 1, 2, 4, 5, 3, 6});
}

// What the distances in rows and in columns add to the scores of queries in `count` rows of the grid from
// `first` on: products of (unscaled) q with learnt vectors.
//
// The tables hold a vector for each distance, last one first, so that the side's vectors for a query in row y
// are the ones from side - 1 - y on: a view, whose rows each begin one number earlier.
struct Positions {
  at::Tensor rows, columns;  // maps x count x side x side
};

Positions positions(const at::Tensor& q, const at::Tensor& table, int64_t first) {
  const int64_t maps = q.size(0), count = q.size(1), side = q.size(2), distances = 2 * side - 1;
  const at::Tensor all = at::matmul(q, table);  // maps x count x side x (2 * distances)
  const int64_t query = all.size(3), row = side * query, map = count * row;
  return {all.as_strided({maps, count, side, side}, {map, row - 1, query, 1}, side - 1 - first),
          all.as_strided({maps, count, side, side}, {map, row, query - 1, 1}, distances + side - 1)};
}

class ViTEncoder final : public ImageEncoder {
 public:
  ViTEncoder(ModelWeights& weights, const ViTConfig& config, at::Device device, at::ScalarType dtype)
      : heads_(config.heads), device_(device), dtype_(dtype) {
    const auto keep = [&](at::Tensor& x) { x = x.to(device, dtype).contiguous(); };
    stem_ = read_vit_stem(weights);
    stem_.each(keep);
    for (size_t i = 0; i < config.windows.size(); ++i) {
      blocks_.push_back(read_vit_block(weights, config, i));
      blocks_.back().each(keep);
    }
    neck_ = read_vit_neck(weights);
    neck_.each(keep);
    neck_.conv2 = neck_.conv2.contiguous(at::MemoryFormat::ChannelsLast);
  }

  int64_t slices() const override { return 2 + 2 * static_cast<int64_t>(blocks_.size()); }
  at::Device device() const override { return device_; }

  at::Tensor run_slice(int64_t slice, at::Tensor x) override {
    const c10::InferenceMode inference;
    if (slice == 0) return embed(x.to(device_, dtype_));
    if (slice + 1 == slices()) return neck(x);
    const ViTBlock& block = blocks_[(slice - 1) / 2];
    if (slice % 2 == 0) return mlp(block, x);
    return block.window == kEmbeddingSize ? everywhere(block, x) : windows(block, x);
  }

 private:
  at::Tensor embed(const at::Tensor& pixels) const {
    const at::Tensor x =
        at::conv2d(pixels, stem_.patch.weight, stem_.patch.bias, /*stride=*/stem_.patch.weight.size(-1));
    return x.permute({0, 2, 3, 1}).contiguous().add_(stem_.positions);
  }

  // Attention within windows, a row of windows at a time.
  at::Tensor windows(const ViTBlock& block, const at::Tensor& x) const {
    const int64_t height = x.size(1), band = device_.is_cuda() ? height : block.window;
    at::Tensor out = at::empty_like(x);
    for (int64_t first = 0; first < height; first += band) {
      const at::Tensor rows = x.slice(1, first, first + band);
      at::Tensor sum = out.slice(1, first, first + band);
      at::add_out(sum, rows, within_windows(block, rows));
    }
    return out;
  }

  // Padding is zeros behind the norm: there q, k and v are the bias of the linear layer. It takes part in
  // attention like any token.
  at::Tensor within_windows(const ViTBlock& block, const at::Tensor& x) const {
    const at::Tensor qkv = linear(block.qkv, norm(block.norm1, x));
    const at::Tensor windows = window_partition(qkv, block.window, block.qkv.bias);
    const at::Tensor attended = attend_window(block, maps_of(windows, heads_));
    const at::Tensor joined = window_unpartition(windows_of(attended, windows), x.size(1), x.size(2));
    return linear(block.proj, joined.contiguous());
  }

  at::Tensor attend_window(const ViTBlock& block, const Maps& maps) const {
    const int64_t side = block.window;
    const Positions added = positions(maps.q, block.positions, 0);
    if (device_.is_cuda()) return fused_attention(maps.q, maps.k, maps.v, added.rows, added.columns);
    at::Tensor scores = at::bmm(maps.q.flatten(1, 2), maps.k).unflatten(1, {side, side});
    position_softmax_(scores, added.rows, added.columns);
    return at::bmm(scores.flatten(1, 2), maps.v).unflatten(1, {side, side});
  }

  // Attention of all tokens to all, a row of queries at a time: the scores of all would be hundreds of
  // megabytes, which costs more in memory traffic and page faults than the arithmetic.
  at::Tensor everywhere(const ViTBlock& block, const at::Tensor& x) const {
    const at::Tensor qkv = linear(block.qkv, norm(block.norm1, x));
    const at::Tensor window = window_partition(qkv, block.window, block.qkv.bias);  // one
    const Maps maps = maps_of(window, heads_);
    const at::Tensor out = device_.is_cuda() ? attend_fused(block, maps) : attend_by_rows(block, maps);
    return linear(block.proj, window_unpartition(windows_of(out, window), x.size(1), x.size(2))).add_(x);
  }

  at::Tensor attend_by_rows(const ViTBlock& block, const Maps& maps) const {
    const int64_t side = maps.q.size(1);
    at::Tensor out = at::empty_like(maps.q);
    at::Tensor scores = at::empty({maps.q.size(0), side, side * side}, maps.q.options());
    for (int64_t row = 0; row < side; ++row) {
      const at::Tensor q = maps.q.slice(1, row, row + 1).contiguous();
      at::bmm_out(scores, q.flatten(1, 2), maps.k);
      at::Tensor grid = scores.unflatten(1, {1, side});
      const Positions added = positions(q, block.positions, row);
      position_softmax_(grid, added.rows, added.columns);
      out.slice(1, row, row + 1).copy_(at::bmm(scores, maps.v).unflatten(1, {1, side}));
    }
    return out;
  }

  // Eight rows of queries at a time: the bias of all would be hundreds of megabytes here too.
  at::Tensor attend_fused(const ViTBlock& block, const Maps& maps) const {
    constexpr int64_t kRows = 8;
    at::Tensor out = at::empty_like(maps.q);
    for (int64_t first = 0; first < maps.q.size(1); first += kRows) {
      const at::Tensor q = maps.q.slice(1, first, first + kRows).contiguous();
      const Positions added = positions(q, block.positions, first);
      out.slice(1, first, first + kRows).copy_(fused_attention(q, maps.k, maps.v, added.rows, added.columns));
    }
    return out;
  }

  // In bands of rows: the hidden layer is four times as wide.
  at::Tensor mlp(const ViTBlock& block, const at::Tensor& x) const {
    const int64_t height = x.size(1), band = device_.is_cuda() ? height : 32;
    at::Tensor out = at::empty_like(x);
    for (int64_t first = 0; first < height; first += band) {
      const at::Tensor rows = x.slice(1, first, first + band);
      at::Tensor hidden = linear(block.fc1, norm(block.norm2, rows));
      at::gelu_(hidden);
      at::Tensor sum = out.slice(1, first, first + band);
      at::add_out(sum, rows, linear(block.fc2, hidden));
    }
    return out;
  }

  at::Tensor neck(at::Tensor x) const {
    x = norm(neck_.norm1, linear(neck_.conv1, x));
    x = at::conv2d(x.permute({0, 3, 1, 2}), neck_.conv2, {}, /*stride=*/1, /*padding=*/1);
    x = norm(neck_.norm2, x.permute({0, 2, 3, 1}));
    return x.permute({0, 3, 1, 2}).to(at::kFloat).contiguous();
  }

  int64_t heads_;
  at::Device device_;
  at::ScalarType dtype_;
  ViTStem stem_;
  std::vector<ViTBlock> blocks_;
  ViTNeck neck_;
};

}  // namespace

std::unique_ptr<ImageEncoder> make_vit_encoder(ModelWeights& weights, const ViTConfig& config,
                                               at::Device device, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  return std::make_unique<ViTEncoder>(weights, config, device, dtype);
}

}  // namespace sam
