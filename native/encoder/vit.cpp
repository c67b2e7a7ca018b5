#include "encoder/vit.h"

#include <ATen/ATen.h>

#include <cmath>

#include "encoder/script_builder.h"
#include "model/frame.h"

namespace sam {
namespace {

using torch::jit::Module;

constexpr int64_t kPatch = 16;  // pixels
constexpr double kNormEpsilon = 1e-6;
const std::string kPart = "vision_encoder.";

std::string layer(size_t index) { return kPart + "layers." + std::to_string(index) + "."; }

// --- TorchScript. Activations are N x H x W x C, H = W = 64. ---

constexpr const char* kPatchEmbed = R"(
def forward(self, x: Tensor) -> Tensor:
    x = torch.conv2d(x.to(self.weight.dtype), self.weight, self.bias, [16, 16])
    return x.permute(0, 2, 3, 1).contiguous() + self.positions
)";

// Scores of a window's tokens with each other: q k^T / sqrt(d), which is in the weights of k, plus what two
// tokens' distance in rows and in columns adds, each a product of (unscaled) q with a learnt vector. `rows`
// and `columns` hold those vectors as side x d x side: for each query's row (column), a vector for each
// key's.
//
// Windows that reach over the right or bottom edge see zeros there, behind the norm: there q, k and v are the
// bias of the linear layer (`outside`). The padding takes part in attention like any token.
constexpr const char* kWindowAttention = R"(
def attend(self, x: Tensor) -> Tensor:
    n, height, width, dim = x.size(0), x.size(1), x.size(2), x.size(3)
    side, heads = self.window, self.heads
    depth = dim // heads
    down, across = (height + side - 1) // side, (width + side - 1) // side
    qkv = self.qkv.forward(torch.layer_norm(x, [dim], self.norm_weight, self.norm_bias, 1e-6))
    if down * side > height or across * side > width:
        padded = self.outside.expand(n, down * side, across * side, 3 * dim).clone()
        padded[:, :height, :width] = qkv
        qkv = padded
    qkv = qkv.reshape(n, down, side, across, side, 3, heads, depth).permute(5, 0, 1, 3, 6, 2, 4, 7)
    qkv = qkv.reshape(3, n * down * across * heads, side, side, depth)
    q, k, v = qkv[0], qkv[1].flatten(1, 2), qkv[2].flatten(1, 2)
    windows = q.size(0)
    rows = torch.bmm(q.permute(1, 0, 2, 3).reshape(side, windows * side, depth), self.rows)
    rows = rows.view(side, windows, side, side, 1).permute(1, 0, 2, 3, 4)
    columns = torch.bmm(q.permute(2, 0, 1, 3).reshape(side, windows * side, depth), self.columns)
    columns = columns.view(side, windows, side, 1, side).permute(1, 2, 0, 3, 4)
    scores = torch.bmm(q.flatten(1, 2), k.transpose(1, 2))
    scores.view(windows, side, side, side, side).add_(rows).add_(columns)
    x = torch.bmm(torch.softmax(scores, 2), v)
    x = x.reshape(n, down, across, heads, side, side, depth).permute(0, 1, 4, 2, 5, 3, 6)
    x = x.reshape(n, down * side, across * side, dim)
    return self.proj.forward(x[:, :height, :width].contiguous())

def forward(self, x: Tensor) -> Tensor:
    height = x.size(1)
    band = height if x.is_cuda else self.window
    out = torch.empty_like(x)
    for first in range(0, height, band):
        rows = x[:, first:first + band]
        out[:, first:first + band] = rows + self.attend(rows)
    return out
)";

// The same over all 64 x 64 tokens, a row of queries at a time: the scores of all would be hundreds of
// megabytes, which costs more in memory traffic and page faults than the arithmetic.
constexpr const char* kGlobalAttention = R"(
def forward(self, x: Tensor) -> Tensor:
    n, height, width, dim = x.size(0), x.size(1), x.size(2), x.size(3)
    heads = self.heads
    depth = dim // heads
    qkv = self.qkv.forward(torch.layer_norm(x, [dim], self.norm_weight, self.norm_bias, 1e-6))
    qkv = qkv.reshape(n, height, width, 3, heads, depth).permute(3, 0, 4, 1, 2, 5)
    qkv = qkv.reshape(3, n * heads, height, width, depth)
    q, k, v = qkv[0], qkv[1].flatten(1, 2).transpose(1, 2), qkv[2].flatten(1, 2)
    maps = q.size(0)
    rows = torch.bmm(q.permute(1, 0, 2, 3).reshape(height, maps * width, depth), self.rows)
    rows = rows.view(height, maps, width, height, 1)
    columns = torch.bmm(q.permute(2, 0, 1, 3).reshape(width, maps * height, depth), self.columns)
    columns = columns.view(width, maps, height, 1, width).permute(2, 1, 0, 3, 4)
    out = torch.empty([n, height, width, heads, depth], dtype=x.dtype, device=x.device)
    step = 8 if x.is_cuda else 1
    for first in range(0, height, step):
        count = min(step, height - first)
        scores = torch.bmm(q[:, first:first + count].flatten(1, 2), k)
        scores = scores.view(maps, count, width, height, width)
        scores.add_(rows[first:first + count].transpose(0, 1)).add_(columns[first:first + count].transpose(0, 1))
        y = torch.bmm(torch.softmax(scores.view(maps, count * width, height * width), 2), v)
        y = y.view(n, heads, count, width, depth).permute(0, 2, 3, 1, 4)
        out[:, first:first + count] = y
    return x + self.proj.forward(out.flatten(3))
)";

// Meta's and Hugging Face's tables have a vector for each distance, query minus key, from 1 - side to side -
// 1
// -> side (query) x d x side (key).
at::Tensor by_position(const at::Tensor& table, int64_t side) {
  const at::Tensor place = at::arange(side);
  const at::Tensor distance = place.unsqueeze(1) - place.unsqueeze(0) + side - 1;
  return table.index_select(0, distance.flatten()).view({side, side, -1}).transpose(1, 2).contiguous();
}

class Builder {
 public:
  Builder(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype)
      : weights_(weights), config_(config), script_(dtype) {}

  Module encoder() {
    std::vector<Module> slices{patch_embed()};
    for (size_t i = 0; i < config_.windows.size(); ++i) {
      slices.push_back(attention(layer(i), config_.windows[i]));
      slices.push_back(mlp(layer(i)));
    }
    slices.push_back(neck());
    return script_.sequence("ViT", slices);
  }

 private:
  Module patch_embed() {
    Module m = script_.module("PatchEmbed");
    script_.buffer(m, "weight", weights_.read(kPart + "patch_embed.projection.weight"));
    script_.buffer(m, "bias", weights_.read(kPart + "patch_embed.projection.bias"));
    script_.buffer(m, "positions", weights_.read(kPart + "pos_embed"));
    m.define(kPatchEmbed);
    return m;
  }

  Module attention(const std::string& name, int64_t window) {
    const int64_t dim = config_.dim;
    at::Tensor scale = at::ones({3, dim});
    scale[1].fill_(1.0 / std::sqrt(static_cast<double>(dim / config_.heads)));
    scale = scale.flatten();
    const at::Tensor bias = weights_.read(name + "attn.qkv.bias") * scale;

    Module m = script_.module("Attention");
    script_.buffer(m, "norm_weight", weights_.read(name + "layer_norm1.weight"));
    script_.buffer(m, "norm_bias", weights_.read(name + "layer_norm1.bias"));
    script_.buffer(m, "outside", bias);
    script_.buffer(m, "rows", by_position(weights_.read(name + "attn.rel_pos_h"), window));
    script_.buffer(m, "columns", by_position(weights_.read(name + "attn.rel_pos_w"), window));
    m.register_module("qkv",
                      script_.linear(weights_.read(name + "attn.qkv.weight") * scale.unsqueeze(1), bias));
    m.register_module("proj", script_.linear(weights_.read(name + "attn.proj.weight"),
                                             weights_.read(name + "attn.proj.bias")));
    ScriptBuilder::number(m, "heads", config_.heads);
    ScriptBuilder::number(m, "window", window);
    m.define(window == kEmbeddingSize ? kGlobalAttention : kWindowAttention);
    return m;
  }

  Module mlp(const std::string& name) {
    return script_.mlp({weights_.read(name + "layer_norm2.weight"), weights_.read(name + "layer_norm2.bias"),
                        weights_.read(name + "mlp.lin1.weight"), weights_.read(name + "mlp.lin1.bias"),
                        weights_.read(name + "mlp.lin2.weight"), weights_.read(name + "mlp.lin2.bias"),
                        kNormEpsilon});
  }

  Module neck() {
    const std::string name = kPart + "neck.";
    return script_.neck({weights_.read(name + "conv1.weight"), weights_.read(name + "layer_norm1.weight"),
                         weights_.read(name + "layer_norm1.bias"), weights_.read(name + "conv2.weight"),
                         weights_.read(name + "layer_norm2.weight"),
                         weights_.read(name + "layer_norm2.bias")});
  }

  ModelWeights& weights_;
  const ViTConfig& config_;
  ScriptBuilder script_;
};

// The last side of a tensor that should have `sides` of them; 0 where it is not there or has others.
int64_t last_side(const ModelWeights& weights, const std::string& name, size_t sides) {
  const auto* shape = weights.shape(name);
  return shape && shape->size() == sides ? shape->back() : 0;
}

}  // namespace

std::string ViTConfig::name() const {
  const size_t depth = windows.size();
  if (dim == 768 && depth == 12) return "ViT-B";
  if (dim == 1024 && depth == 24) return "ViT-L";
  if (dim == 1280 && depth == 32) return "ViT-H";
  return "a ViT of " + std::to_string(dim) + " channels and " + std::to_string(depth) + " blocks";
}

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

torch::jit::Module build_vit(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  return Builder(weights, config, dtype).encoder();
}

}  // namespace sam
