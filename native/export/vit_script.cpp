#include "export/vit_script.h"

#include <ATen/ATen.h>

#include "export/script_builder.h"
#include "export/window_script.h"
#include "model/frame.h"

namespace sam {
namespace {

using torch::jit::Module;

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
constexpr const char* kWindowAttention = R"(
def attend(self, x: Tensor) -> Tensor:
    height, width, dim = x.size(1), x.size(2), x.size(3)
    side, heads = self.window, self.heads
    depth = dim // heads
    qkv = self.qkv.forward(torch.layer_norm(x, [dim], self.norm_weight, self.norm_bias, 1e-6))
    qkv = self.window_partition(qkv)
    n, down, across = qkv.size(0), qkv.size(1), qkv.size(2)
    qkv = qkv.reshape(n, down, across, side, side, 3, heads, depth).permute(5, 0, 1, 2, 6, 3, 4, 7)
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
    x = x.reshape(n, down, across, heads, side, side, depth).permute(0, 1, 2, 4, 5, 3, 6)
    return self.proj.forward(self.window_unpartition(x, height, width))

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

// -> for each query's row (or column) a vector for each key's: side x d x side.
at::Tensor by_position(const at::Tensor& distances, int64_t side) {
  const at::Tensor place = at::arange(side);
  const at::Tensor index =
      place.unsqueeze(0) - place.unsqueeze(1) + side - 1;  // the last distance comes first
  return distances.index_select(1, index.flatten()).unflatten(1, {side, side}).transpose(0, 1).contiguous();
}

class ViTBuilder {
 public:
  ViTBuilder(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype)
      : weights_(weights), config_(config), script_(dtype) {}

  Module encoder() {
    std::vector<Module> slices{patch_embed()};
    for (size_t i = 0; i < config_.windows.size(); ++i) {
      const ViTBlock block = read_vit_block(weights_, config_, i);
      slices.push_back(attention(block));
      slices.push_back(mlp(block));
    }
    slices.push_back(neck());
    return script_.sequence("ViT", slices);
  }

 private:
  Module patch_embed() {
    const ViTStem stem = read_vit_stem(weights_);
    Module m = script_.module("PatchEmbed");
    script_.buffer(m, "weight", stem.patch.weight);
    script_.buffer(m, "bias", stem.patch.bias);
    script_.buffer(m, "positions", stem.positions);
    m.define(kPatchEmbed);
    return m;
  }

  Module attention(const ViTBlock& block) {
    const int64_t distances = 2 * block.window - 1;
    Module m = script_.module("Attention");
    script_.buffer(m, "norm_weight", block.norm1.weight);
    script_.buffer(m, "norm_bias", block.norm1.bias);
    script_.buffer(m, "outside", block.qkv.bias);
    script_.buffer(m, "rows", by_position(block.positions.narrow(1, 0, distances), block.window));
    script_.buffer(m, "columns", by_position(block.positions.narrow(1, distances, distances), block.window));
    m.register_module("qkv", script_.linear(block.qkv.weight, block.qkv.bias));
    m.register_module("proj", script_.linear(block.proj.weight, block.proj.bias));
    ScriptBuilder::number(m, "heads", config_.heads);
    ScriptBuilder::number(m, "window", block.window);
    const bool everywhere = block.window == kEmbeddingSize;
    if (!everywhere) m.define(kWindows);
    m.define(everywhere ? kGlobalAttention : kWindowAttention);
    return m;
  }

  Module mlp(const ViTBlock& block) {
    return script_.mlp({block.norm2.weight, block.norm2.bias, block.fc1.weight, block.fc1.bias,
                        block.fc2.weight, block.fc2.bias, kViTNormEpsilon});
  }

  Module neck() {
    const ViTNeck neck = read_vit_neck(weights_);
    return script_.neck({neck.conv1.weight, neck.norm1.weight, neck.norm1.bias, neck.conv2, neck.norm2.weight,
                         neck.norm2.bias});
  }

  ModelWeights& weights_;
  const ViTConfig& config_;
  ScriptBuilder script_;
};

}  // namespace

torch::jit::Module build_vit(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  return ViTBuilder(weights, config, dtype).encoder();
}

}  // namespace sam
