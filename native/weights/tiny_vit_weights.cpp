#include "weights/tiny_vit_weights.h"

#include <utility>

#include "model/frame.h"

namespace sam {
namespace {

// Collects the shapes of one encoder.
class Collector {
 public:
  Shapes run() {
    const int64_t dim = kTinyViTStages.front().dim;
    conv("patch_embed.seq.0", {dim / 2, 3, 3, 3});
    conv("patch_embed.seq.2", {dim, dim / 2, 3, 3});
    for (size_t s = 0; s < kTinyViTStages.size(); ++s) {
      const std::string layer = "layers." + std::to_string(s);
      for (int64_t b = 0; b < kTinyViTStages[s].depth; ++b) {
        const std::string name = layer + ".blocks." + std::to_string(b);
        s == 0 ? bottleneck(name, dim, kTinyViTExpansion * dim, dim) : block(name, kTinyViTStages[s]);
      }
      if (s + 1 < kTinyViTStages.size()) {
        const int64_t output = kTinyViTStages[s + 1].dim;
        bottleneck(layer + ".downsample", kTinyViTStages[s].dim, output, output);
      }
    }
    neck(kTinyViTStages.back().dim, kEmbeddingDim);
    return std::move(shapes_);
  }

 private:
  void put(const std::string& name, std::vector<int64_t> shape) {
    shapes_["image_encoder." + name] = std::move(shape);
  }

  // A convolution without bias and its batch norm.
  void conv(const std::string& name, const std::vector<int64_t>& shape) {
    put(name + ".c.weight", shape);
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      put(name + ".bn." + part, {shape[0]});
  }

  // 1 x 1, 3 x 3 depthwise, 1 x 1: an MBConv or a merging of patches.
  void bottleneck(const std::string& name, int64_t input, int64_t hidden, int64_t output) {
    conv(name + ".conv1", {hidden, input, 1, 1});
    conv(name + ".conv2", {hidden, 1, 3, 3});
    conv(name + ".conv3", {output, hidden, 1, 1});
  }

  void linear(const std::string& name, int64_t input, int64_t output) {
    put(name + ".weight", {output, input});
    put(name + ".bias", {output});
  }

  void norm(const std::string& name, int64_t dim) {
    for (const char* part : {".weight", ".bias"}) put(name + part, {dim});
  }

  void block(const std::string& name, const TinyViTStage& stage) {
    const int64_t dim = stage.dim, hidden = kTinyViTExpansion * dim;
    norm(name + ".attn.norm", dim);
    linear(name + ".attn.qkv", dim, 3 * dim);
    linear(name + ".attn.proj", dim, dim);
    put(name + ".attn.attention_biases", {stage.heads, stage.window * stage.window});
    conv(name + ".local_conv", {dim, 1, 3, 3});
    norm(name + ".mlp.norm", dim);
    linear(name + ".mlp.fc1", dim, hidden);
    linear(name + ".mlp.fc2", hidden, dim);
  }

  void neck(int64_t dim, int64_t output) {
    put("neck.0.weight", {output, dim, 1, 1});
    norm("neck.1", output);
    put("neck.2.weight", {output, output, 3, 3});
    norm("neck.3", output);
  }

  Shapes shapes_;
};

}  // namespace

Shapes tiny_vit_shapes() { return Collector().run(); }

}  // namespace sam
