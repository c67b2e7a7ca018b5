#include "encoder/vit_encoder.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <utility>

#include "encoder/attention_maps.h"
#include "encoder/fused_attention.h"
#include "encoder/position_softmax.h"
#include "encoder/windows.h"
#include "model/frame.h"

namespace sam {
namespace {

// Activations are N x H x W x C, H = W = 64.

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

// k as the CPU multiplies by it: maps x D x tokens, dense (oneDNN takes four times as long over a transposed
// one).
at::Tensor across(const at::Tensor& k) { return k.transpose(1, 2).contiguous(); }

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

  at::Device device() const override { return device_; }

 protected:
  // The patches, each block's attention and its MLP, the neck.
  int64_t layers() const override { return 2 + 2 * static_cast<int64_t>(blocks_.size()); }

  at::Tensor run_layer(int64_t layer, at::Tensor x) override {
    const c10::InferenceMode inference;
    if (layer == 0) return embed(x.to(device_, dtype_));
    if (layer + 1 == layers()) return neck(x);
    const ViTBlock& block = blocks_[(layer - 1) / 2];
    if (layer % 2 == 0) return mlp(block, x);
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
    const Positions added = positions_of(maps.q, block.positions, 0);
    if (device_.is_cuda()) return fused_attention(maps, added);
    at::Tensor scores = at::bmm(maps.q.flatten(1, 2), across(maps.k)).unflatten(1, {side, side});
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
    const at::Tensor k = across(maps.k);
    at::Tensor out = at::empty_like(maps.q);
    at::Tensor scores = at::empty({maps.q.size(0), side, side * side}, maps.q.options());
    for (int64_t row = 0; row < side; ++row) {
      const at::Tensor q = maps.q.slice(1, row, row + 1).contiguous();
      at::bmm_out(scores, q.flatten(1, 2), k);
      at::Tensor grid = scores.unflatten(1, {1, side});
      const Positions added = positions_of(q, block.positions, row);
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
      const Positions added = positions_of(q, block.positions, first);
      out.slice(1, first, first + kRows).copy_(fused_attention({q, maps.k, maps.v}, added));
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
