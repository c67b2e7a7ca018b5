#include "export/decoder_script.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "error.h"
#include "export/script_builder.h"
#include "storage/file.h"
#include "text.h"

namespace sam {
namespace {

using torch::jit::Module;

constexpr int64_t kDecoderHeads = 8;  // of every attention of TwoWayTransformer

// The methods below are TorchScript.

constexpr const char* kPlainLinear = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.linear(x, self.weight, self.bias)
)";

constexpr const char* kNorm = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.layer_norm(x, [x.size(-1)], self.weight, self.bias, self.epsilon)

def channels(self, x: Tensor) -> Tensor:
    return self.forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
)";

constexpr const char* kConvolution = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.conv2d(x, self.weight, self.bias, [self.stride, self.stride])
)";

constexpr const char* kDoubling = R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.conv_transpose2d(x, self.weight, self.bias, [2, 2])
)";

constexpr const char* kHeadAttention = R"(
def split(self, x: Tensor) -> Tensor:
    return x.reshape(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q = self.split(self.q_proj.forward(q))
    k = self.split(self.k_proj.forward(k))
    v = self.split(self.v_proj.forward(v))
    scores = torch.matmul(q, k.transpose(2, 3)) * float(q.size(3)) ** -0.5
    x = torch.matmul(torch.softmax(scores, 3), v)
    return self.out_proj.forward(x.transpose(1, 2).flatten(2))
)";

constexpr const char* kTwoWayBlock = R"(
def forward(self, queries: Tensor, keys: Tensor, tokens: Tensor, places: Tensor) -> Tuple[Tensor, Tensor]:
    if self.first:
        queries = self.self_attn.forward(queries, queries, queries)
    else:
        q = queries + tokens
        queries = queries + self.self_attn.forward(q, q, queries)
    queries = self.layer_norm1.forward(queries)
    k = keys + places
    queries = queries + self.cross_attn_token_to_image.forward(queries + tokens, k, keys)
    queries = self.layer_norm2.forward(queries)
    queries = queries + self.lin2.forward(torch.relu(self.lin1.forward(queries)))
    queries = self.layer_norm3.forward(queries)
    keys = keys + self.cross_attn_image_to_token.forward(k, queries + tokens, queries)
    return queries, self.layer_norm4.forward(keys)
)";

constexpr const char* kThreeLinear = R"(
def forward(self, x: Tensor) -> Tensor:
    x = torch.relu(self.proj_in.forward(x))
    return self.proj_out.forward(torch.relu(self.hidden.forward(x)))
)";

constexpr const char* kPromptSide = R"(
def embed_points(self, points: Tensor, labels: Tensor) -> Tensor:
    angles = torch.matmul((points + 0.5) / 512.0 - 1.0, self.positions) * 6.283185307179586
    x = torch.cat([torch.sin(angles), torch.cos(angles)], -1)
    label = labels.unsqueeze(-1)
    x = torch.where(label == -1, self.not_a_point, x)
    for i in range(4):
        x = x + (label == i).to(x.dtype) * self.points[i]
    return x

def embed_masks(self, masks: Tensor) -> Tensor:
    x = torch.gelu(self.mask_norm1.channels(self.mask_conv1.forward(masks)))
    x = torch.gelu(self.mask_norm2.channels(self.mask_conv2.forward(x)))
    return self.mask_conv3.forward(x)
)";

constexpr const char* kDecode = R"(
def upscale(self, keys: Tensor) -> Tensor:
    x = keys.transpose(1, 2).reshape(keys.size(0), -1, 64, 64)
    x = torch.gelu(self.upscale_layer_norm.channels(self.upscale_conv1.forward(x)))
    return torch.gelu(self.upscale_conv2.forward(x))

def forward(self, image_embeddings: Tensor, point_coords: Tensor, point_labels: Tensor, mask_input: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
    sparse = self.embed_points(point_coords, point_labels)
    prompts = sparse.size(0)
    image = image_embeddings
    if mask_input is None:
        image = image + self.no_mask.view(1, -1, 1, 1)
    else:
        image = image + self.embed_masks(mask_input)
    keys = image.flatten(2).transpose(1, 2).expand(prompts, -1, -1)
    tokens = torch.cat([self.own_tokens.unsqueeze(0).expand(prompts, -1, -1), sparse], 1)
    queries, keys = self.block0.forward(tokens, keys, tokens, self.places)
    queries, keys = self.block1.forward(queries, keys, tokens, self.places)
    attended = self.final_attn.forward(queries + tokens, keys + self.places, keys)
    queries = self.final_norm.forward(queries + attended)
    upscaled = self.upscale(keys)
    hyper = torch.stack([self.mask0.forward(queries[:, 1]), self.mask1.forward(queries[:, 2]), self.mask2.forward(queries[:, 3]), self.mask3.forward(queries[:, 4])], 1)
    masks = torch.matmul(hyper, upscaled.flatten(2)).view(prompts, 4, 256, 256)
    return masks, self.iou.forward(queries[:, 0])
)";

// Writes the model's own modules, found by their names in it.
class DecoderBuilder {
 public:
  explicit DecoderBuilder(Sam& sam) : sam_(sam), script_(at::kFloat) {
    for (const auto& item : sam.prompt_encoder->named_modules("prompt_encoder"))
      modules_[item.key()] = item.value();
    for (const auto& item : sam.mask_decoder->named_modules("mask_decoder"))
      modules_[item.key()] = item.value();
  }

  Module decoder() {
    Module m = script_.module("Decoder");
    add_prompt_side(m);
    const std::string transformer = kMaskDecoderPart + "transformer.";
    m.register_module("block0", block(transformer + "layers.0.", /*first=*/true));
    m.register_module("block1", block(transformer + "layers.1.", /*first=*/false));
    m.register_module("final_attn", attention(transformer + "final_attn_token_to_image."));
    m.register_module("final_norm", norm(transformer + "layer_norm_final_attn"));
    script_.buffer(
        m, "own_tokens",
        at::cat({embedding(kMaskDecoderPart + "iou_token"), embedding(kMaskDecoderPart + "mask_tokens")}));
    script_.buffer(m, "places", sam_.image_positions);
    for (const char* name : {"upscale_conv1", "upscale_conv2"})
      m.register_module(name, doubling(kMaskDecoderPart + name));
    m.register_module("upscale_layer_norm", norm(kMaskDecoderPart + "upscale_layer_norm"));
    for (const char* i : {"0", "1", "2", "3"})
      m.register_module(std::string("mask") + i,
                        three_linear(kMaskDecoderPart + "output_hypernetworks_mlps." + i));
    m.register_module("iou", three_linear(kMaskDecoderPart + "iou_prediction_head"));
    m.define(kPromptSide);
    m.define(kDecode);
    m.eval();
    return m;
  }

 private:
  template <typename Part>
  Part& part(const std::string& name) {
    return *modules_.at(name)->as<Part>();
  }

  at::Tensor embedding(const std::string& name) { return part<torch::nn::EmbeddingImpl>(name).weight; }

  // A module with the weight and the bias of one of LibTorch's.
  template <typename Part>
  Module weighted(const char* name, const Part& from, const char* code) {
    Module m = script_.module(name);
    script_.buffer(m, "weight", from.weight.detach());
    script_.buffer(m, "bias", from.bias.detach());
    if (code) m.define(code);
    return m;
  }

  Module linear(const std::string& name) {
    return weighted("Linear", part<torch::nn::LinearImpl>(name), kPlainLinear);
  }

  Module norm(const std::string& name) {
    const auto& from = part<torch::nn::LayerNormImpl>(name);
    Module m = weighted("Norm", from, nullptr);
    m.register_attribute("epsilon", c10::FloatType::get(), from.options.eps());
    m.define(kNorm);
    return m;
  }

  Module convolution(const std::string& name) {
    const auto& from = part<torch::nn::Conv2dImpl>(name);
    Module m = weighted("Convolution", from, nullptr);
    ScriptBuilder::number(m, "stride", from.options.stride()->front());
    m.define(kConvolution);
    return m;
  }

  Module doubling(const std::string& name) {
    return weighted("Doubling", part<torch::nn::ConvTranspose2dImpl>(name), kDoubling);
  }

  Module attention(const std::string& prefix) {
    Module m = script_.module("Attention");
    for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"})
      m.register_module(name, linear(prefix + name));
    ScriptBuilder::number(m, "heads", kDecoderHeads);
    m.define(kHeadAttention);
    return m;
  }

  Module block(const std::string& prefix, bool first) {
    Module m = script_.module("TwoWayBlock");
    for (const char* name : {"self_attn", "cross_attn_token_to_image", "cross_attn_image_to_token"})
      m.register_module(name, attention(prefix + name + "."));
    for (const char* name : {"layer_norm1", "layer_norm2", "layer_norm3", "layer_norm4"})
      m.register_module(name, norm(prefix + name));
    for (const char* name : {"lin1", "lin2"}) m.register_module(name, linear(prefix + "mlp." + name));
    m.register_attribute("first", c10::BoolType::get(), first);
    m.define(kTwoWayBlock);
    return m;
  }

  Module three_linear(const std::string& prefix) {
    Module m = script_.module("ThreeLinear");
    m.register_module("proj_in", linear(prefix + ".proj_in"));
    m.register_module("hidden", linear(prefix + ".layers.0"));
    m.register_module("proj_out", linear(prefix + ".proj_out"));
    m.define(kThreeLinear);
    return m;
  }

  void add_prompt_side(Module& m) {
    std::vector<at::Tensor> points;
    for (const char* i : {"0", "1", "2", "3"})
      points.push_back(embedding(kPromptEncoderPart + "point_embed." + i));
    script_.buffer(m, "positions", sam_.prompt_encoder->positional_embedding);
    script_.buffer(m, "points", at::cat(points));
    script_.buffer(m, "not_a_point", embedding(kPromptEncoderPart + "not_a_point_embed"));
    script_.buffer(m, "no_mask", embedding(kPromptEncoderPart + "no_mask_embed"));
    for (const char* i : {"1", "2", "3"})
      m.register_module(std::string("mask_conv") + i,
                        convolution(kPromptEncoderPart + "mask_embed.conv" + i));
    for (const char* i : {"1", "2"})
      m.register_module(std::string("mask_norm") + i, norm(kPromptEncoderPart + "mask_embed.layer_norm" + i));
  }

  Sam& sam_;
  ScriptBuilder script_;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> modules_;
};

void require_shape(const std::string& path, const at::Tensor& answer, at::IntArrayRef sides) {
  if (answer.dim() == static_cast<int64_t>(sides.size()) + 1 && answer.sizes().slice(1) == sides) return;
  throw Error("SAM_BAD_SHAPE", path + " gave a tensor of shape " + shape_text(answer.sizes()));
}

}  // namespace

torch::jit::Module build_decoder(Sam& sam) {
  const at::NoGradGuard no_grad;
  return DecoderBuilder(sam).decoder();
}

Masks run_decoder_script(const std::string& path, const at::Tensor& embedding, const ScriptPrompts& prompts) {
  {
    const ReadFile exists(path);
  }  // its SAM_IO is clearer than LibTorch's error
  const c10::InferenceMode inference;
  torch::jit::Module module = torch::jit::load(path, at::kCPU);
  std::vector<c10::IValue> inputs{embedding, prompts.points, prompts.labels};
  if (prompts.masks.defined()) inputs.emplace_back(prompts.masks);
  const auto answer = module.forward(std::move(inputs)).toTuple();
  Masks masks{answer->elements().at(0).toTensor(), answer->elements().at(1).toTensor()};
  require_shape(path, masks.iou_predictions, {masks.iou_predictions.size(-1)});
  require_shape(path, masks.logits, {masks.iou_predictions.size(-1), kLowResSize, kLowResSize});
  return masks;
}

}  // namespace sam
