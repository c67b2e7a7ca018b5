#include "weights/vit_weights.h"

#include <ATen/ATen.h>

#include <cmath>

#include "model/frame.h"

namespace sam {
namespace {

constexpr int64_t kPatch = 16;  // pixels
const std::string kPart = "vision_encoder.";

std::string layer(size_t index) { return kPart + "layers." + std::to_string(index) + "."; }

// The last side of a tensor that should have `sides` of them; 0 where it is not there or has others.
int64_t last_side(const ModelWeights& weights, const std::string& name, size_t sides) {
  const auto* shape = weights.shape(name);
  return shape && shape->size() == sides ? shape->back() : 0;
}

ViTNorm read_norm(ModelWeights& weights, const std::string& name) {
  return {weights.read(name + ".weight"), weights.read(name + ".bias")};
}

ViTLinear read_linear(ModelWeights& weights, const std::string& name) {
  return {weights.read(name + ".weight"), weights.read(name + ".bias")};
}

}  // namespace

std::optional<ViTConfig> vit_config(const ModelWeights& weights) {
  ViTConfig config{};
  config.dim = last_side(weights, kPart + "pos_embed", 4);
  const int64_t head = last_side(weights, layer(0) + "attn.rel_pos_h", 2);
  config.hidden = last_side(weights, layer(0) + "mlp.lin2.weight", 2);
  if (config.dim == 0 || head == 0 || config.hidden == 0 || config.dim % head != 0) return std::nullopt;
  config.heads = config.dim / head;
  for (size_t i = 0; weights.has(layer(i)); ++i) {
    // A table holds 2 side - 1 vectors. Where it is missing, `vit_shapes` will say so for a window of any
    // side.
    const auto* table = weights.shape(layer(i) + "attn.rel_pos_h");
    config.windows.push_back(table && !table->empty() ? (table->front() + 1) / 2 : kEmbeddingSize);
  }
  return config;
}

Shapes vit_shapes(const ViTConfig& config) {
  const int64_t dim = config.dim, out = kEmbeddingDim;
  Shapes shapes = {
      {kPart + "patch_embed.projection.weight", {dim, 3, kPatch, kPatch}},
      {kPart + "patch_embed.projection.bias", {dim}},
      {kPart + "pos_embed", {1, kEmbeddingSize, kEmbeddingSize, dim}},
      {kPart + "neck.conv1.weight", {out, dim, 1, 1}},
      {kPart + "neck.conv2.weight", {out, out, 3, 3}},
  };
  for (const char* norm : {"neck.layer_norm1.", "neck.layer_norm2."})
    for (const char* part : {"weight", "bias"}) shapes[kPart + norm + part] = {out};
  for (size_t i = 0; i < config.windows.size(); ++i) {
    const std::string name = layer(i);
    for (const char* norm : {"layer_norm1.", "layer_norm2."})
      for (const char* part : {"weight", "bias"}) shapes[name + norm + part] = {dim};
    for (const char* table : {"attn.rel_pos_h", "attn.rel_pos_w"})
      shapes[name + table] = {2 * config.windows[i] - 1, dim / config.heads};
    shapes[name + "attn.qkv.weight"] = {3 * dim, dim};
    shapes[name + "attn.qkv.bias"] = {3 * dim};
    shapes[name + "attn.proj.weight"] = {dim, dim};
    shapes[name + "attn.proj.bias"] = {dim};
    shapes[name + "mlp.lin1.weight"] = {config.hidden, dim};
    shapes[name + "mlp.lin1.bias"] = {config.hidden};
    shapes[name + "mlp.lin2.weight"] = {dim, config.hidden};
    shapes[name + "mlp.lin2.bias"] = {dim};
  }
  return shapes;
}

ViTStem read_vit_stem(ModelWeights& weights) {
  return {read_linear(weights, kPart + "patch_embed.projection"), weights.read(kPart + "pos_embed")};
}

ViTBlock read_vit_block(ModelWeights& weights, const ViTConfig& config, size_t index) {
  const std::string name = layer(index);
  ViTBlock block{config.windows[index],
                 read_norm(weights, name + "layer_norm1"),
                 read_norm(weights, name + "layer_norm2"),
                 read_linear(weights, name + "attn.qkv"),
                 read_linear(weights, name + "attn.proj"),
                 read_linear(weights, name + "mlp.lin1"),
                 read_linear(weights, name + "mlp.lin2"),
                 {}};
  at::Tensor scale = at::ones({3, config.dim});
  scale[1].fill_(1.0 / std::sqrt(static_cast<double>(config.dim / config.heads)));
  block.qkv.weight = block.qkv.weight * scale.view({-1, 1});
  block.qkv.bias = block.qkv.bias * scale.view({-1});
  // Meta's and Hugging Face's tables have the distances from 1 - window to window - 1.
  const at::Tensor tables[] = {weights.read(name + "attn.rel_pos_h"), weights.read(name + "attn.rel_pos_w")};
  block.positions = at::cat({tables[0].flip(0), tables[1].flip(0)}).t().contiguous();
  return block;
}

ViTNeck read_vit_neck(ModelWeights& weights) {
  const std::string name = kPart + "neck.";
  const at::Tensor conv1 = weights.read(name + "conv1.weight").flatten(1);
  return {{conv1, at::zeros({conv1.size(0)})},
          read_norm(weights, name + "layer_norm1"),
          read_norm(weights, name + "layer_norm2"),
          weights.read(name + "conv2.weight")};
}

}  // namespace sam
