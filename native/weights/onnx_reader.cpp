#include "weights/onnx_reader.h"

#include <ATen/ATen.h>

#include <bit>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "error.h"
#include "storage/file.h"
#include "weights/malformed.h"

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
        throw Malformed("a field has no known type");
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
    throw Malformed("a number is too long");
  }

  bool empty() const { return rest_.empty(); }

 private:
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) throw Malformed("it is cut short");
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
// MobileSAM's encoder has 28 MB and 1,200 nodes.
constexpr uint64_t kMostBytes = 256'000'000;
constexpr size_t kMostNodes = 100'000;

// TensorProto: dims 1, data_type 2, float_data 4, name 8, raw_data 9. Undefined when it isn't fp32.
std::pair<std::string, at::Tensor> tensor_of(std::string_view message) {
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
      throw Malformed("a tensor is larger than its data");
    elements *= static_cast<uint64_t>(side);
  }
  if (elements * sizeof(float) != data.size()) throw Malformed("a tensor's data does not fit its shape");
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
        if (inner.number == 5) value = tensor_of(inner.bytes).second;
      });
  });
  if (node.op == "Constant" && value.defined() && !node.outputs.empty())
    graph.tensors[node.outputs[0]] = value;
  if (graph.nodes.size() == kMostNodes) throw Malformed("it has more than 100,000 nodes");
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
        auto [name, tensor] = tensor_of(inner.bytes);
        if (tensor.defined()) graph.tensors[name] = tensor;
      }
    });
  });
  return graph;
}

}  // namespace

OnnxGraph read_onnx(const std::string& path) {
  const auto bad = [&path](const std::string& what) {
    return Error("SAM_BAD_CHECKPOINT", path + " is not an ONNX file that can be read: " + what);
  };
  const ReadFile file(path);
  if (file.size() > kMostBytes) throw bad("it is " + std::to_string(file.size()) + " bytes long");
  std::string bytes(file.size(), '\0');
  file.read(bytes.data(), bytes.size(), 0);
  OnnxGraph graph;
  try {
    graph = read_graph(bytes);
  } catch (const Malformed& malformed) {
    throw bad(malformed.what());
  }
  if (graph.nodes.empty() || graph.tensors.empty()) throw bad("it holds no graph with weights");
  return graph;
}

}  // namespace sam
