// The mask decoder's transformer: prompt tokens and image tokens attend to each other, twice (paper, appendix
// A, "Mask decoder").
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <utility>
#include <vector>

#include "model/layers.h"

namespace sam {

// Multi-head attention whose inner width may be smaller than `dim`: `q_proj`, `k_proj`, `v_proj`, `out_proj`.
struct AttentionImpl : torch::nn::Module {
  AttentionImpl(int64_t dim, int64_t inner, int64_t heads);

  // q: M x Tq x dim; k, v: M x Tk x dim; seen: M x 1 x 1 x Tk, true where a key may be attended to, or
  // undefined. Either side may have fewer, M / P: P in a row of the other side share one (the prompts of an
  // image the image), which is then projected once. `seen` only where k and v have M. -> M x Tq x dim.
  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& seen = {});

  // The same between M prompts of few tokens and images of many, for which alone it is cheaper: every
  // projection of the image becomes one of the tokens (q . (W k) = (W' q) . k), of which there are hundreds
  // of times fewer.
  at::Tensor from_tokens(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);
  at::Tensor from_image(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const at::Tensor& seen);

  torch::nn::Linear q_proj{nullptr}, k_proj{nullptr}, v_proj{nullptr}, out_proj{nullptr};

 private:
  bool folds(const at::Tensor& tokens, const at::Tensor& image) const;
  at::Tensor split(const torch::nn::Linear& projection, const at::Tensor& tokens) const;
  at::Tensor split_weight(const torch::nn::Linear& projection) const;

  int64_t heads_;
};
TORCH_MODULE(Attention);

// Queries (tokens, M x T x 256) and keys (the image), with the positions that are added to queries and keys
// but never to values.
struct TwoWayState {
  at::Tensor queries;
  at::Tensor keys;             // M x 4096 x 256; before the first block M / P, where P prompts share an image
  at::Tensor placed_keys;      // keys + key_positions
  at::Tensor query_positions;  // the initial tokens
  at::Tensor key_positions;    // 4096 x 256
  at::Tensor seen;             // M x 1 x 1 x T: tokens that may be attended to, or undefined
};

struct TwoWayBlockImpl : torch::nn::Module {
  TwoWayBlockImpl(double epsilon, bool first);
  void forward(TwoWayState& state);

  Attention self_attn{nullptr}, cross_attn_token_to_image{nullptr}, cross_attn_image_to_token{nullptr};
  torch::nn::LayerNorm layer_norm1{nullptr}, layer_norm2{nullptr}, layer_norm3{nullptr}, layer_norm4{nullptr};
  MlpBlock mlp{nullptr};

 private:
  bool first_;
};
TORCH_MODULE(TwoWayBlock);

struct TwoWayTransformerImpl : torch::nn::Module {
  // `epsilon` of the blocks' layer norms: 1e-5 in Meta's code, 1e-6 in Hugging Face's. The final norm has
  // 1e-5 in both.
  explicit TwoWayTransformerImpl(double epsilon);

  void forward(TwoWayState& state);

  std::vector<TwoWayBlock> layers;
  Attention final_attn_token_to_image{nullptr};
  torch::nn::LayerNorm layer_norm_final_attn{nullptr};
};
TORCH_MODULE(TwoWayTransformer);

}  // namespace sam
