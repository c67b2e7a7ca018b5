#include "encoder/tiny_vit.h"

#include <ATen/ATen.h>

#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "error.h"
#include "storage/file.h"

namespace sam {
namespace {

using torch::jit::Module;

struct Stage {
  int64_t dim, depth, heads, window, band;
};

// Stage 0 is convolutional. `band`: rows of windows that attention takes at a time (see kAttention).
constexpr std::array<Stage, 4> kStages{
    {{64, 2, 0, 0, 0}, {128, 2, 4, 7, 2}, {160, 6, 5, 14, 1}, {320, 2, 10, 7, 2}}};
constexpr int64_t kExpansion = 4;  // of MBConv and of the MLP
constexpr int64_t kEmbeddingDim = 256;
constexpr double kBatchNormEpsilon = 1e-5;

// The methods below are TorchScript. Activations are N x H x W x C throughout, so that every linear layer,
// norm and window is a view, and convolutions get the channels-last layout that they are fastest in.
//
// On the CPU the wide parts go through in bands of rows: what a band makes stays in the processor's cache,
// and no block is so large that the allocator takes it from the system, and faults it in, anew each time. On
// CUDA, where launches are what costs, all rows are one band.

constexpr const char* kConv = R"(
def forward(self, x: Tensor) -> Tensor:
    x = x.permute(0, 3, 1, 2)
    x = torch.conv2d(x, self.weight, self.bias, [self.stride, self.stride], [1, 1], [1, 1], self.groups)
    return x.permute(0, 2, 3, 1)
)";

// On the CPU a 1 x 1 convolution: it goes to oneDNN in every type, whereas fp32 linear goes to MKL, which on
// AMD processors is half as fast.
constexpr const char* kLinear = R"(
def forward(self, x: Tensor) -> Tensor:
    if x.is_cuda:
        return torch.linear(x, self.weight, self.bias)
    x = torch.conv2d(x.permute(0, 3, 1, 2), self.weight[:, :, None, None], self.bias)
    return x.permute(0, 2, 3, 1)
)";

constexpr const char* kPatchEmbed = R"(
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

// Windows that reach over the right or bottom edge see zeros there, before the norm: `outside` is what q, k
// and v make of those. The 1 / sqrt(d) is in the weights of q. Matrix products with their scores in the cache
// take half the time of scaled_dot_product_attention on windows this small.
constexpr const char* kAttention = R"(
def attend(self, x: Tensor) -> Tensor:
    n, height, width, dim = x.size(0), x.size(1), x.size(2), x.size(3)
    side = self.window
    down, across = (height + side - 1) // side, (width + side - 1) // side
    qkv = self.qkv.forward(torch.layer_norm(x, [dim], self.norm_weight, self.norm_bias, 1e-5))
    if down * side > height or across * side > width:
        padded = self.outside.expand(n, down * side, across * side, 3 * dim).clone()
        padded[:, :height, :width] = qkv
        qkv = padded
    qkv = qkv.reshape(n, down, side, across, side, self.heads, 3, dim // self.heads)
    qkv = qkv.permute(6, 0, 1, 3, 5, 2, 4, 7)
    qkv = qkv.reshape(3, n * down * across, self.heads, side * side, dim // self.heads)
    scores = torch.matmul(qkv[0], qkv[1].transpose(2, 3)).add_(self.bias)
    x = torch.matmul(torch.softmax(scores, 3), qkv[2])
    x = x.reshape(n, down, across, self.heads, side, side, dim // self.heads)
    x = x.permute(0, 1, 4, 2, 5, 3, 6).reshape(n, down * side, across * side, dim)
    return self.proj.forward(x[:, :height, :width].contiguous())

def forward(self, x: Tensor) -> Tensor:
    height = x.size(1)
    rows = height if x.is_cuda else self.band * self.window
    out = torch.empty_like(x)
    for first in range(0, height, rows):
        band = x[:, first:first + rows]
        out[:, first:first + rows] = band + self.attend(band)
    return out
)";

constexpr const char* kMlp = R"(
def forward(self, x: Tensor) -> Tensor:
    height, dim = x.size(1), x.size(3)
    rows = height if x.is_cuda else 32
    out = torch.empty_like(x)
    for first in range(0, height, rows):
        band = x[:, first:first + rows]
        y = torch.layer_norm(band, [dim], self.norm_weight, self.norm_bias, 1e-5)
        y = self.fc2.forward(torch.gelu_(self.fc1.forward(y)))
        out[:, first:first + rows] = band + y
    return out
)";

constexpr const char* kBlock = R"(
def forward(self, x: Tensor) -> Tensor:
    return self.mlp.forward(self.local_conv.forward(self.attn.forward(x)))
)";

constexpr const char* kNeck = R"(
def forward(self, x: Tensor) -> Tensor:
    dim = self.norm1_weight.size(0)
    x = torch.layer_norm(self.conv1.forward(x), [dim], self.norm1_weight, self.norm1_bias, 1e-6)
    x = torch.layer_norm(self.conv2.forward(x), [dim], self.norm2_weight, self.norm2_bias, 1e-6)
    return x.permute(0, 3, 1, 2).float().contiguous()
)";

struct Folded {
  at::Tensor weight, bias;
};

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

class Builder {
 public:
  explicit Builder(const StateDict& weights) : weights_(weights) {}

  Module encoder() {
    std::vector<Module> slices{patch_embed()};
    for (size_t s = 0; s < kStages.size(); ++s) {
      const std::string layer = "layers." + std::to_string(s);
      for (int64_t b = 0; b < kStages[s].depth; ++b) {
        const std::string name = layer + ".blocks." + std::to_string(b);
        slices.push_back(s == 0 ? mb_conv(name, kStages[s].dim) : block(name, kStages[s]));
      }
      // The last merge keeps the resolution: SAM wants 64 x 64.
      if (s + 1 < kStages.size())
        slices.push_back(
            merge(layer + ".downsample", kStages[s].dim, kStages[s + 1].dim, s + 2 < kStages.size() ? 2 : 1));
    }
    slices.push_back(neck());
    return sequence(slices);
  }

 private:
  // --- Weights ---
  at::Tensor take(const std::string& name, at::IntArrayRef shape) const {
    const std::string key = "image_encoder." + name;
    const auto found = weights_.find(key);
    if (found == weights_.end())
      throw Error("SAM_BAD_CHECKPOINT", "the weights are not MobileSAM's: tensor " + key + " is missing");
    if (found->second.sizes() != shape)
      throw Error("SAM_BAD_CHECKPOINT", "the weights are not MobileSAM's: tensor " + key + " is " +
                                            shape_text(found->second.sizes()) + ", not " + shape_text(shape));
    return found->second.to(at::kFloat);
  }

  // y = bn(conv(x)) as one convolution: its weight scaled by gamma / sqrt(var + eps), its bias beta - mean *
  // that.
  Folded fold(const std::string& name, int64_t input, int64_t output, int64_t kernel) const {
    const at::Tensor scale = take(name + ".bn.weight", {output}) *
                             at::rsqrt(take(name + ".bn.running_var", {output}) + kBatchNormEpsilon);
    at::Tensor weight = take(name + ".c.weight", {output, input, kernel, kernel}) * scale.view({-1, 1, 1, 1});
    return {weight, take(name + ".bn.bias", {output}) - take(name + ".bn.running_mean", {output}) * scale};
  }

  // --- Modules ---
  Module module(const std::string& name) const {
    return Module(c10::QualifiedName("__torch__.sam_native." + name), unit_, /*shouldMangle=*/true);
  }

  Module conv(const Folded& weights, int64_t stride, int64_t groups = 1) const {
    Module m = module("Conv");
    m.register_buffer("weight", weights.weight.contiguous(at::MemoryFormat::ChannelsLast));
    m.register_buffer("bias", weights.bias);
    m.register_attribute("stride", c10::IntType::get(), stride);
    m.register_attribute("groups", c10::IntType::get(), groups);
    m.define(kConv);
    return m;
  }

  Module depthwise(const std::string& name, int64_t dim, int64_t stride) const {
    return conv(fold(name, 1, dim, 3), stride, dim);
  }

  // `weight`: output x input.
  Module linear(const at::Tensor& weight, const at::Tensor& bias) const {
    Module m = module("Linear");
    m.register_buffer("weight", weight.contiguous());
    m.register_buffer("bias", bias);
    m.define(kLinear);
    return m;
  }

  Module linear(const std::string& name, int64_t input, int64_t output) const {
    return linear(take(name + ".weight", {output, input}), take(name + ".bias", {output}));
  }

  // A 1 x 1 convolution with its batch norm.
  Module pointwise(const std::string& name, int64_t input, int64_t output) const {
    const Folded folded = fold(name, input, output, 1);
    return linear(folded.weight.flatten(1), folded.bias);
  }

  Module patch_embed() const {
    const int64_t dim = kStages[0].dim;
    Module m = module("PatchEmbed");
    m.register_module("conv1", conv(fold("patch_embed.seq.0", 3, dim / 2, 3), /*stride=*/2));
    m.register_module("conv2", conv(fold("patch_embed.seq.2", dim / 2, dim, 3), /*stride=*/2));
    m.define(kPatchEmbed);
    return m;
  }

  Module mb_conv(const std::string& name, int64_t dim) const {
    Module m = module("MBConv");
    m.register_module("conv1", pointwise(name + ".conv1", dim, kExpansion * dim));
    m.register_module("conv2", depthwise(name + ".conv2", kExpansion * dim, /*stride=*/1));
    m.register_module("conv3", pointwise(name + ".conv3", kExpansion * dim, dim));
    m.define(kMbConv);
    return m;
  }

  Module merge(const std::string& name, int64_t input, int64_t output, int64_t stride) const {
    Module m = module("PatchMerging");
    m.register_module("conv1", pointwise(name + ".conv1", input, output));
    m.register_module("conv2", depthwise(name + ".conv2", output, stride));
    m.register_module("conv3", pointwise(name + ".conv3", output, output));
    m.define(kMerge);
    return m;
  }

  Module attention(const std::string& name, const Stage& stage) const {
    const int64_t dim = stage.dim, tokens = stage.window * stage.window;
    const at::Tensor norm_bias = take(name + ".norm.bias", {dim});
    // q of every head comes first among its 3 * d rows.
    at::Tensor scale = at::ones({stage.heads, 3, dim / stage.heads});
    scale.select(1, 0).fill_(1.0 / std::sqrt(static_cast<double>(dim / stage.heads)));
    scale = scale.view({-1});
    const at::Tensor weight = take(name + ".qkv.weight", {3 * dim, dim}) * scale.unsqueeze(1);
    const at::Tensor bias = take(name + ".qkv.bias", {3 * dim}) * scale;

    // One learnt bias for each head and each distance (|rows|, |columns|) between two tokens of a window.
    const at::Tensor place = at::arange(stage.window);
    const at::Tensor distance = (place.unsqueeze(1) - place.unsqueeze(0)).abs();
    const at::Tensor index = (distance.view({stage.window, 1, stage.window, 1}) * stage.window +
                              distance.view({1, stage.window, 1, stage.window}))
                                 .view({-1});
    const at::Tensor biases = take(name + ".attention_biases", {stage.heads, tokens});

    Module m = module("Attention");
    m.register_buffer("norm_weight", take(name + ".norm.weight", {dim}));
    m.register_buffer("norm_bias", norm_bias);
    m.register_buffer("outside", at::linear(norm_bias, weight, bias));
    m.register_buffer("bias", biases.index_select(1, index).view({stage.heads, tokens, tokens}));
    m.register_module("qkv", linear(weight, bias));
    m.register_module("proj", linear(name + ".proj", dim, dim));
    m.register_attribute("heads", c10::IntType::get(), stage.heads);
    m.register_attribute("window", c10::IntType::get(), stage.window);
    m.register_attribute("band", c10::IntType::get(), stage.band);
    m.define(kAttention);
    return m;
  }

  Module mlp(const std::string& name, int64_t dim) const {
    Module m = module("Mlp");
    m.register_buffer("norm_weight", take(name + ".norm.weight", {dim}));
    m.register_buffer("norm_bias", take(name + ".norm.bias", {dim}));
    m.register_module("fc1", linear(name + ".fc1", dim, kExpansion * dim));
    m.register_module("fc2", linear(name + ".fc2", kExpansion * dim, dim));
    m.define(kMlp);
    return m;
  }

  Module block(const std::string& name, const Stage& stage) const {
    Module m = module("TinyViTBlock");
    m.register_module("attn", attention(name + ".attn", stage));
    m.register_module("local_conv", depthwise(name + ".local_conv", stage.dim, /*stride=*/1));
    m.register_module("mlp", mlp(name + ".mlp", stage.dim));
    m.define(kBlock);
    return m;
  }

  Module neck() const {
    const int64_t dim = kStages.back().dim, out = kEmbeddingDim;
    const at::Tensor none = at::zeros({out});
    Module m = module("Neck");
    m.register_module("conv1", linear(take("neck.0.weight", {out, dim, 1, 1}).flatten(1), none));
    m.register_module("conv2", conv({take("neck.2.weight", {out, out, 3, 3}), none}, /*stride=*/1));
    m.register_buffer("norm1_weight", take("neck.1.weight", {out}));
    m.register_buffer("norm1_bias", take("neck.1.bias", {out}));
    m.register_buffer("norm2_weight", take("neck.3.weight", {out}));
    m.register_buffer("norm2_bias", take("neck.3.bias", {out}));
    m.define(kNeck);
    return m;
  }

  Module sequence(const std::vector<Module>& slices) const {
    Module m = module("TinyViT");
    const std::string count = std::to_string(slices.size());
    std::string run = "def run_slice(self, i: int, x: Tensor) -> Tensor:\n";
    for (size_t i = 0; i < slices.size(); ++i) {
      const std::string index = std::to_string(i);
      m.register_module("slice" + index, slices[i]);
      if (i + 1 < slices.size()) run += "    if i == " + index + ":\n    ";
      run += "    return self.slice" + index + ".forward(x)\n";
    }
    m.define("def slice_count(self) -> int:\n    return " + count + "\n");
    m.define(run);
    m.define(
        "def forward(self, x: Tensor) -> Tensor:\n"
        "    for i in range(self.slice_count()):\n"
        "        x = self.run_slice(i, x)\n"
        "    return x\n");
    m.eval();
    return m;
  }

  const StateDict& weights_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_ = std::make_shared<torch::jit::CompilationUnit>();
};

}  // namespace

torch::jit::Module build_tiny_vit(const StateDict& weights) {
  const at::NoGradGuard no_grad;
  return Builder(weights).encoder();
}

void export_tiny_vit(const std::string& weights_safetensors, const std::string& output_pt) {
  const Module encoder = build_tiny_vit(read_safetensors(weights_safetensors));
  std::ostringstream bytes;
  encoder.save(bytes);
  const std::string text = bytes.str();
  AtomicFile file(output_pt);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace sam
