#include "weights/minisam_onnx.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "storage/file.h"
#include "storage/safetensors.h"

namespace sam {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX keeps raw data little-endian");

// --- Protobuf ---

// One field of a message: a number, or the bytes of a string, a message or a packed list.
struct Field {
  uint64_t number;
  uint64_t value = 0;
  std::string_view bytes;
};

// What a Message throws; read_onnx says which file it was.
struct Malformed {
  const char* what;
};

// Walks over the fields of one message, in the order of the file.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t tag = varint();
    Field field{.number = tag >> 3U, .value = 0, .bytes = {}};
    switch (tag & 7U) {
      case 0:
        field.value = varint();
        break;
      case 1:
        field.bytes = take(8);
        break;
      case 2:
        field.bytes = take(varint());
        break;
      case 5:
        field.bytes = take(4);
        break;
      default:
        throw Malformed{"a field has no known type"};
    }
    return field;
  }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    throw Malformed{"a number is too long"};
  }

  bool empty() const { return rest_.empty(); }

 private:
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) throw Malformed{"it is cut short"};
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

void each(std::string_view message, const std::function<void(const Field&)>& visit) {
  Message fields(message);
  while (const auto field = fields.next()) visit(*field);
}

// --- ONNX: field numbers from onnx.proto3 ---

constexpr uint64_t kFloatType = 1;

// TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9. Undefined when it isn't fp32.
std::pair<std::string, at::Tensor> read_tensor(std::string_view message) {
  std::string name;
  std::vector<int64_t> shape;
  std::string_view data;
  uint64_t type = 0;
  each(message, [&](const Field& field) {
    if (field.number == 1 && field.bytes.empty()) shape.push_back(static_cast<int64_t>(field.value));
    if (field.number == 1 && !field.bytes.empty())
      for (Message packed(field.bytes); !packed.empty();)
        shape.push_back(static_cast<int64_t>(packed.varint()));
    if (field.number == 2) type = field.value;
    if (field.number == 8) name = field.bytes;
    if (field.number == 4 || field.number == 9) data = field.bytes;
  });
  if (type != kFloatType) return {name, at::Tensor()};
  uint64_t elements = 1;
  for (const int64_t side : shape) {
    if (side < 0 || (side > 0 && elements > data.size() / static_cast<uint64_t>(side)))
      throw Malformed{"a tensor is larger than its data"};
    elements *= static_cast<uint64_t>(side);
  }
  if (elements * sizeof(float) != data.size()) throw Malformed{"a tensor's data does not fit its shape"};
  at::Tensor tensor = at::empty(shape, at::kFloat);
  std::memcpy(tensor.mutable_data_ptr(), data.data(), data.size());
  return {name, tensor};
}

// NodeProto: input 1, output 2, op_type 4, attribute 5; AttributeProto: t 5.
void read_node(std::string_view message, OnnxGraph& graph) {
  OnnxNode node;
  at::Tensor value;
  each(message, [&](const Field& field) {
    if (field.number == 1) node.inputs.emplace_back(field.bytes);
    if (field.number == 2) node.outputs.emplace_back(field.bytes);
    if (field.number == 4) node.op = field.bytes;
    if (field.number == 5)
      each(field.bytes, [&](const Field& inner) {
        if (inner.number == 5) value = read_tensor(inner.bytes).second;
      });
  });
  if (node.op == "Constant" && value.defined() && !node.outputs.empty())
    graph.tensors[node.outputs[0]] = value;
  graph.nodes.push_back(std::move(node));
}

// ModelProto: graph 7; GraphProto: node 1, initializer 5.
OnnxGraph read_graph(std::string_view model) {
  OnnxGraph graph;
  each(model, [&](const Field& field) {
    if (field.number != 7) return;
    each(field.bytes, [&](const Field& inner) {
      if (inner.number == 1) read_node(inner.bytes, graph);
      if (inner.number == 5) {
        auto [name, tensor] = read_tensor(inner.bytes);
        if (tensor.defined()) graph.tensors[name] = tensor;
      }
    });
  });
  return graph;
}

// --- Names ---

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

OnnxGraph read_onnx(const std::string& path) {
  const ReadFile file(path);
  std::string bytes(file.size(), '\0');
  file.read(bytes.data(), bytes.size(), 0);
  OnnxGraph graph;
  const auto bad = [&path](const std::string& what) {
    return Error("SAM_BAD_CHECKPOINT", path + " is not an ONNX file that can be read: " + what);
  };
  try {
    graph = read_graph(bytes);
  } catch (const Malformed& malformed) {
    throw bad(malformed.what);
  }
  if (graph.nodes.empty() || graph.tensors.empty()) throw bad("it holds no graph with weights");
  return graph;
}

void convert_mobile_sam(const std::string& encoder_onnx, const std::string& decoder_onnx,
                        const std::string& output) {
  const at::NoGradGuard no_grad;
  StateDict tensors = Renamer(read_onnx(encoder_onnx), encoder_name).run();
  require(tensors, "image_encoder.neck.3.bias", 271, encoder_onnx, "MobileSAM's image encoder");
  const OnnxGraph decoder_graph = read_onnx(decoder_onnx);
  StateDict decoder = Renamer(decoder_graph, decoder_name).run();
  add_tokens(decoder_graph, decoder);
  require(decoder, "mask_decoder.mask_tokens.weight", 137, decoder_onnx,
          "SAM's prompt encoder and mask decoder");
  tensors.merge(decoder);
  write_safetensors(output, tensors, {{"format", "pt"}, {"source", "converted from ONNX"}});
}

}  // namespace sam
