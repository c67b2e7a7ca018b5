#include "export/tiny_vit_script.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "error.h"
#include "export/script_builder.h"
#include "export/window_script.h"
#include "text.h"
#include "weights/tiny_vit_weights.h"

namespace sam {
namespace {

using torch::jit::Module;

constexpr double kBatchNormEpsilon = 1e-5;
constexpr double kTinyNormEpsilon = 1e-5;
constexpr int64_t kBand = 14;  // rows of tokens that attention takes at a time

// The methods below are TorchScript.

constexpr const char* kTinyPatchEmbed = R"(
def forward(self, x: Tensor) -> Tensor:
    x = x.to(self.conv1.weight.dtype).permute(0, 2, 3, 1).contiguous()
    return self.conv2.forward(torch.gelu_(self.conv1.forward(x)))
)";

// A band takes one more row at either end for the 3 x 3 convolution.
constexpr const char* kMbConv = R"(
def forward(self, x: Tensor) -> Tensor:
    height = x.size(1)
    rows = height if x.is_cuda else 16
    out = torch.empty_like(x)
    for first in range(0, height, rows):
        top = max(first - 1, 0)
        y = torch.gelu_(self.conv1.forward(x[:, top:first + rows + 1]))
        y = torch.gelu_(self.conv2.forward(y)[:, first - top:first - top + rows])
        y = self.conv3.forward(y)
        out[:, first:first + rows] = torch.gelu_(y.add_(x[:, first:first + rows]))
    return out
)";

constexpr const char* kMerge = R"(
def forward(self, x: Tensor) -> Tensor:
    x = torch.gelu_(self.conv1.forward(x))
    x = torch.gelu_(self.conv2.forward(x))
    return self.conv3.forward(x)
)";

// The 1 / sqrt(d) is in the weights of q. Matrix products with their scores in the cache
// take half the time of scaled_dot_product_attention on windows this small.
constexpr const char* kAttention = R"(
def attend(self, x: Tensor) -> Tensor:
    height, width, dim = x.size(1), x.size(2), x.size(3)
    side = self.window
    qkv = self.qkv.forward(torch.layer_norm(x, [dim], self.norm_weight, self.norm_bias, 1e-5))
    qkv = self.window_partition(qkv)
    n, down, across = qkv.size(0), qkv.size(1), qkv.size(2)
    qkv = qkv.reshape(n, down, across, side, side, self.heads, 3, dim // self.heads)
    qkv = qkv.permute(6, 0, 1, 2, 5, 3, 4, 7)
    qkv = qkv.reshape(3, n * down * across, self.heads, side * side, dim // self.heads)
    scores = torch.matmul(qkv[0], qkv[1].transpose(2, 3)).add_(self.bias)
    x = torch.matmul(torch.softmax(scores, 3), qkv[2])
    x = x.reshape(n, down, across, self.heads, side, side, dim // self.heads)
    x = x.permute(0, 1, 2, 4, 5, 3, 6)
    return self.proj.forward(self.window_unpartition(x, height, width))

def forward(self, x: Tensor) -> Tensor:
    height = x.size(1)
    rows = height if x.is_cuda else self.band * self.window
    out = torch.empty_like(x)
    for first in range(0, height, rows):
        band = x[:, first:first + rows]
        out[:, first:first + rows] = band + self.attend(band)
    return out
)";

constexpr const char* kBlock = R"(
def forward(self, x: Tensor) -> Tensor:
    return self.mlp.forward(self.local_conv.forward(self.attn.forward(x)))
)";

struct Folded {
  at::Tensor weight, bias;
};

class TinyViTBuilder {
 public:
  TinyViTBuilder(ModelWeights& weights, at::ScalarType dtype) : weights_(weights), script_(dtype) {}

  Module encoder() {
    constexpr size_t kStages = kTinyViTStages.size();
    std::vector<Module> slices{patch_embed()};
    for (size_t s = 0; s < kStages; ++s) {
      const std::string layer = "layers." + std::to_string(s);
      for (int64_t b = 0; b < kTinyViTStages[s].depth; ++b) {
        const std::string name = layer + ".blocks." + std::to_string(b);
        slices.push_back(s == 0 ? mb_conv(name) : block(name, kTinyViTStages[s]));
      }
      // The last merge keeps the resolution: SAM wants 64 x 64.
      if (s + 1 < kStages) slices.push_back(merge(layer + ".downsample", s + 2 < kStages ? 2 : 1));
    }
    slices.push_back(neck());
    return script_.sequence("TinyViT", slices);
  }

 private:
  // --- Weights ---
  at::Tensor take(const std::string& name) {
    const std::string key = "image_encoder." + name;
    const auto* found = weights_.shape(key);
    const auto& needed = shapes_.at(key);
    if (!found)
      throw Error("SAM_BAD_CHECKPOINT",
                  weights_.path() + ": the image encoder is not MobileSAM's: tensor " + key + " is missing");
    if (*found != needed)
      throw Error("SAM_BAD_CHECKPOINT", weights_.path() + ": the image encoder is not MobileSAM's: tensor " +
                                            key + " is " + shape_text(*found) + ", not " +
                                            shape_text(needed));
    return weights_.read(key);
  }

  // y = bn(conv(x)) as one convolution: its weight scaled by gamma / sqrt(var + eps), its bias beta - mean *
  // that.
  Folded fold(const std::string& name) {
    const at::Tensor scale =
        take(name + ".bn.weight") * at::rsqrt(take(name + ".bn.running_var") + kBatchNormEpsilon);
    at::Tensor weight = take(name + ".c.weight") * scale.view({-1, 1, 1, 1});
    return {weight, take(name + ".bn.bias") - take(name + ".bn.running_mean") * scale};
  }

  // --- Modules ---
  Module conv(const std::string& name) {
    const Folded folded = fold(name);
    return script_.conv(folded.weight, folded.bias, /*stride=*/2);
  }

  Module depthwise(const std::string& name, int64_t stride) {
    const Folded folded = fold(name);
    return script_.conv(folded.weight, folded.bias, stride, /*groups=*/folded.weight.size(0));
  }

  Module linear(const std::string& name) {
    return script_.linear(take(name + ".weight"), take(name + ".bias"));
  }

  // A 1 x 1 convolution with its batch norm.
  Module pointwise(const std::string& name) {
    const Folded folded = fold(name);
    return script_.linear(folded.weight.flatten(1), folded.bias);
  }

  Module patch_embed() {
    Module m = script_.module("PatchEmbed");
    m.register_module("conv1", conv("patch_embed.seq.0"));
    m.register_module("conv2", conv("patch_embed.seq.2"));
    m.define(kTinyPatchEmbed);
    return m;
  }

  Module mb_conv(const std::string& name) {
    Module m = script_.module("MBConv");
    m.register_module("conv1", pointwise(name + ".conv1"));
    m.register_module("conv2", depthwise(name + ".conv2", /*stride=*/1));
    m.register_module("conv3", pointwise(name + ".conv3"));
    m.define(kMbConv);
    return m;
  }

  Module merge(const std::string& name, int64_t stride) {
    Module m = script_.module("PatchMerging");
    m.register_module("conv1", pointwise(name + ".conv1"));
    m.register_module("conv2", depthwise(name + ".conv2", stride));
    m.register_module("conv3", pointwise(name + ".conv3"));
    m.define(kMerge);
    return m;
  }

  Module attention(const std::string& name, const TinyViTStage& stage) {
    const int64_t dim = stage.dim, tokens = stage.window * stage.window;
    const at::Tensor norm_bias = take(name + ".norm.bias");
    // q of every head comes first among its 3 * d rows.
    at::Tensor scale = at::ones({stage.heads, 3, dim / stage.heads});
    scale.select(1, 0).fill_(1.0 / std::sqrt(static_cast<double>(dim / stage.heads)));
    scale = scale.view({-1});
    const at::Tensor weight = take(name + ".qkv.weight") * scale.unsqueeze(1);
    const at::Tensor bias = take(name + ".qkv.bias") * scale;

    // One learnt bias for each head and each distance (|rows|, |columns|) between two tokens of a window.
    const at::Tensor place = at::arange(stage.window);
    const at::Tensor distance = (place.unsqueeze(1) - place.unsqueeze(0)).abs();
    const at::Tensor index = (distance.view({stage.window, 1, stage.window, 1}) * stage.window +
                              distance.view({1, stage.window, 1, stage.window}))
                                 .view({-1});
    const at::Tensor biases = take(name + ".attention_biases");

    Module m = script_.module("Attention");
    script_.buffer(m, "norm_weight", take(name + ".norm.weight"));
    script_.buffer(m, "norm_bias", norm_bias);
    script_.buffer(m, "outside", at::linear(norm_bias, weight, bias));
    script_.buffer(m, "bias", biases.index_select(1, index).view({stage.heads, tokens, tokens}));
    m.register_module("qkv", script_.linear(weight, bias));
    m.register_module("proj", linear(name + ".proj"));
    ScriptBuilder::number(m, "heads", stage.heads);
    ScriptBuilder::number(m, "window", stage.window);
    ScriptBuilder::number(m, "band", kBand / stage.window);
    m.define(kWindows);
    m.define(kAttention);
    return m;
  }

  Module mlp(const std::string& name) {
    return script_.mlp({take(name + ".norm.weight"), take(name + ".norm.bias"), take(name + ".fc1.weight"),
                        take(name + ".fc1.bias"), take(name + ".fc2.weight"), take(name + ".fc2.bias"),
                        kTinyNormEpsilon});
  }

  Module block(const std::string& name, const TinyViTStage& stage) {
    Module m = script_.module("TinyViTBlock");
    m.register_module("attn", attention(name + ".attn", stage));
    m.register_module("local_conv", depthwise(name + ".local_conv", /*stride=*/1));
    m.register_module("mlp", mlp(name + ".mlp"));
    m.define(kBlock);
    return m;
  }

  Module neck() {
    return script_.neck({take("neck.0.weight"), take("neck.1.weight"), take("neck.1.bias"),
                         take("neck.2.weight"), take("neck.3.weight"), take("neck.3.bias")});
  }

  ModelWeights& weights_;
  const Shapes shapes_ = tiny_vit_shapes();
  ScriptBuilder script_;
};

}  // namespace

torch::jit::Module build_tiny_vit(ModelWeights& weights, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  return TinyViTBuilder(weights, dtype).encoder();
}

}  // namespace sam
