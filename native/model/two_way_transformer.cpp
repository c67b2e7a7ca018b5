#include "model/two_way_transformer.h"

#include <ATen/ATen.h>
#include <torch/nn/modules/container/modulelist.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/autocast.h"
#include "model/prompt_encoder.h"
#include "model/row_products.h"

namespace sam {
namespace {

constexpr int64_t kDepth = 2;
constexpr int64_t kHeads = 8;
constexpr int64_t kCrossDim = kEmbeddingDim / 2;
constexpr int64_t kMlpDim = 2048;
constexpr double kFinalEpsilon = 1e-5;

Attention cross_attention() { return Attention(kEmbeddingDim, kCrossDim, kHeads); }

}  // namespace

AttentionImpl::AttentionImpl(int64_t dim, int64_t inner, int64_t heads)
    : q_proj(register_module("q_proj", torch::nn::Linear(dim, inner))),
      k_proj(register_module("k_proj", torch::nn::Linear(dim, inner))),
      v_proj(register_module("v_proj", torch::nn::Linear(dim, inner))),
      out_proj(register_module("out_proj", torch::nn::Linear(inner, dim))),
      heads_(heads) {}

at::Tensor AttentionImpl::forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                  const at::Tensor& seen) {
  const auto split = [&](const at::Tensor& x) { return x.unflatten(-1, {heads_, -1}).transpose(1, 2); };
  std::optional<at::Tensor> mask;
  if (seen.defined()) mask = seen;
  at::Tensor queries = q_proj(q);
  const int64_t count = std::max(q.size(0), k.size(0)), shared = count / q.size(0);
  // Queries don't see each other: those that share their keys are as one prompt's.
  if (count > k.size(0)) queries = queries.reshape({k.size(0), -1, queries.size(2)});
  if (shared > 1) queries = queries.unsqueeze(1).expand({-1, shared, -1, -1}).flatten(0, 1);
  const at::Tensor out =
      at::scaled_dot_product_attention(split(queries), split(k_proj(k)), split(v_proj(v)), mask);
  return out_proj(out.transpose(1, 2).flatten(-2).reshape({count, q.size(1), -1}));
}

// Worth it while the tokens' heads, each of which meets the whole image, are fewer than the inner width.
bool AttentionImpl::folds(const at::Tensor& tokens, const at::Tensor& image) const {
  const int64_t met = tokens.size(0) / image.size(0) * tokens.size(1) * heads_;
  return met < q_proj->options.out_features();
}

// M x T x dim -> M x T x heads x depth.
at::Tensor AttentionImpl::split(const torch::nn::Linear& projection, const at::Tensor& tokens) const {
  return torch::nn::Linear(projection)(tokens).unflatten(-1, {heads_, -1});
}

// heads x depth x dim.
at::Tensor AttentionImpl::split_weight(const torch::nn::Linear& projection) const {
  return projection->weight.unflatten(0, {heads_, -1});
}

at::Tensor AttentionImpl::from_tokens(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  if (!folds(q, k)) return forward(q, k, v);
  const int64_t images = k.size(0);
  const at::Tensor queries = split(q_proj, q);
  const double scale = 1 / std::sqrt(static_cast<double>(queries.size(-1)));
  // The bias of k adds the same to all scores of a query: softmax doesn't see it.
  const at::Tensor met = at::einsum("mthd,hdc->mthc", {queries * scale, split_weight(k_proj)});
  const at::Tensor scores = row_products(met.reshape({images, -1, k.size(2)}), k);
  const at::Tensor mixed = at::matmul(scores.softmax(-1), v).reshape(met.sizes());
  const at::Tensor values = at::einsum("mthc,hdc->mthd", {mixed, split_weight(v_proj)});
  return out_proj(values.flatten(-2) + v_proj->bias);
}

at::Tensor AttentionImpl::from_image(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                     const at::Tensor& seen) {
  if (!folds(k, q)) return forward(q, k, v, seen);
  const int64_t images = q.size(0), prompts = k.size(0), tokens = k.size(1), dim = q.size(2);
  at::Tensor keys = split(k_proj, k);
  keys = keys * (1 / std::sqrt(static_cast<double>(keys.size(-1))));
  const at::Tensor met = at::einsum("mthd,hdc->mthc", {keys, split_weight(q_proj)});
  const at::Tensor added = at::einsum("mthd,hd->mth", {keys, q_proj->bias.unflatten(0, {heads_, -1})});
  at::Tensor scores = row_products(met.reshape({images, -1, dim}), q);
  scores = scores.reshape({prompts, tokens, heads_, -1}) + added.unsqueeze(-1);
  if (seen.defined())
    scores = scores.masked_fill(seen.reshape({prompts, tokens, 1, 1}).logical_not(),
                                -std::numeric_limits<float>::infinity());
  const at::Tensor shares = scores.softmax(1).flatten(1, 2);  // M x (T * heads) x 4096
  const at::Tensor given =
      at::einsum("mthd,hdc->mthc", {split(v_proj, v), out_proj->weight.t().unflatten(0, {heads_, -1})});
  return at::matmul(shares.transpose(1, 2), given.flatten(1, 2)) + out_proj->bias;
}

TwoWayBlockImpl::TwoWayBlockImpl(double epsilon, bool first)
    : self_attn(register_module("self_attn", Attention(kEmbeddingDim, kEmbeddingDim, kHeads))),
      cross_attn_token_to_image(register_module("cross_attn_token_to_image", cross_attention())),
      cross_attn_image_to_token(register_module("cross_attn_image_to_token", cross_attention())),
      layer_norm1(register_module("layer_norm1", layer_norm(kEmbeddingDim, epsilon))),
      layer_norm2(register_module("layer_norm2", layer_norm(kEmbeddingDim, epsilon))),
      layer_norm3(register_module("layer_norm3", layer_norm(kEmbeddingDim, epsilon))),
      layer_norm4(register_module("layer_norm4", layer_norm(kEmbeddingDim, epsilon))),
      mlp(register_module("mlp", MlpBlock(kEmbeddingDim, kMlpDim))),
      first_(first) {}

void TwoWayBlockImpl::forward(TwoWayState& state) {
  at::Tensor queries = state.queries, keys = state.keys;
  // The first block's self-attention sees no positions (they are the tokens themselves) and replaces the
  // queries.
  if (first_) {
    queries = self_attn(queries, queries, queries, state.seen);
  } else {
    const at::Tensor q = queries + state.query_positions;
    queries = queries + self_attn(q, q, queries, state.seen);
  }
  queries = layer_norm1(queries);

  const at::Tensor k = in_product_type(state.placed_keys), v = in_product_type(keys);
  queries =
      layer_norm2(queries + cross_attn_token_to_image->from_tokens(queries + state.query_positions, k, v));
  queries = layer_norm3(queries + mlp(queries));
  const at::Tensor answers =
      cross_attn_image_to_token->from_image(k, queries + state.query_positions, queries, state.seen);
  keys = layer_norm4((keys.unsqueeze(1) + answers.unflatten(0, {keys.size(0), -1})).flatten(0, 1));

  state.queries = queries;
  state.keys = keys;
  state.placed_keys = keys + state.key_positions;
}

TwoWayTransformerImpl::TwoWayTransformerImpl(double epsilon)
    : final_attn_token_to_image(register_module("final_attn_token_to_image", cross_attention())),
      layer_norm_final_attn(
          register_module("layer_norm_final_attn", layer_norm(kEmbeddingDim, kFinalEpsilon))) {
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < kDepth; ++i) {
    layers.emplace_back(epsilon, /*first=*/i == 0);
    list->push_back(layers.back());
  }
  register_module("layers", list);
}

void TwoWayTransformerImpl::forward(TwoWayState& state) {
  for (TwoWayBlock& layer : layers) layer->forward(state);
  const at::Tensor attended = final_attn_token_to_image->from_tokens(
      state.queries + state.query_positions, in_product_type(state.placed_keys), in_product_type(state.keys));
  state.queries = layer_norm_final_attn(state.queries + attended);
}

}  // namespace sam
