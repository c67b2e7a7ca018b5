#include "storage/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "error.h"
#include "storage/file.h"
#include "storage/json.h"

namespace sam {
namespace {

// The reference implementation's own bound on the header: 100 MB.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr uint64_t kLengthBytes = 8;

constexpr std::pair<const char*, at::ScalarType> kTypes[] = {
    {"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
    {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
    {"U8", at::kByte},    {"BOOL", at::kBool},
};

[[noreturn]] void bad(const std::string& path, const std::string& what,
                      const std::string& remedy = "copy or download it again") {
  throw Error("SAM_BAD_CHECKPOINT",
              path + " is not a safetensors file that can be read: " + what + "; " + remedy);
}

at::ScalarType parse_type(const std::string& path, const std::string& name, const std::string& tensor) {
  for (const auto& [text, type] : kTypes)
    if (name == text) return type;
  bad(path, "tensor " + tensor + " has the unknown type '" + name.substr(0, 20) + "'",
      "save it as F32, F16 or BF16");
}

const char* type_name(at::ScalarType type) {
  for (const auto& [text, known] : kTypes)
    if (type == known) return text;
  throw Error("SAM_BAD_ARGUMENT", std::string("safetensors has no type for ") + c10::toString(type));
}

uint64_t parse_count(const std::string& path, const Json& value, const std::string& what) {
  // Beyond 2^53 doubles no longer count bytes exactly; no real file comes near.
  if (value.kind != Json::Kind::kNumber || value.number < 0 || value.number > 9007199254740992.0 ||
      value.number != std::floor(value.number))
    bad(path, what + " is not a whole number");
  return static_cast<uint64_t>(value.number);
}

const Json& member(const std::string& path, const Json& entry, const char* key, Json::Kind kind,
                   const std::string& name) {
  const auto found = entry.object.find(key);
  if (found == entry.object.end() || found->second.kind != kind)
    bad(path, "tensor " + name + " has no valid '" + key + "'");
  return found->second;
}

TensorEntry parse_entry(const std::string& path, const std::string& name, const Json& entry,
                        uint64_t data_start, uint64_t file_size) {
  if (name.size() > kMostNameBytes)
    bad(path, "a tensor's name has " + std::to_string(name.size()) + " bytes");
  if (entry.kind != Json::Kind::kObject) bad(path, "tensor " + name + " is not described");
  TensorEntry tensor;
  tensor.name = name;
  tensor.dtype = parse_type(path, member(path, entry, "dtype", Json::Kind::kString, name).string, name);
  const auto& sides = member(path, entry, "shape", Json::Kind::kArray, name).array;
  if (sides.size() > kMostSides)
    bad(path, "tensor " + name + " has " + std::to_string(sides.size()) + " sides");
  uint64_t elements = 1;
  for (const Json& side : sides) {
    const uint64_t length = parse_count(path, side, "the shape of " + name);
    if (length != 0 && elements > file_size / length)
      bad(path, "tensor " + name + " is larger than the file");
    elements *= length;
    tensor.shape.push_back(static_cast<int64_t>(length));
  }
  const auto& offsets = member(path, entry, "data_offsets", Json::Kind::kArray, name).array;
  if (offsets.size() != 2) bad(path, "tensor " + name + " has no valid 'data_offsets'");
  const uint64_t begin = parse_count(path, offsets[0], "the offset of " + name);
  const uint64_t end = parse_count(path, offsets[1], "the offset of " + name);
  tensor.offset = data_start + begin;
  tensor.bytes = elements * c10::elementSize(tensor.dtype);
  if (end < begin || end - begin != tensor.bytes)
    bad(path, "the offsets of " + name + " do not fit its shape");
  if (data_start + end > file_size)
    bad(path, "the file is cut short: tensor " + name + " ends at byte " + std::to_string(data_start + end) +
                  ", the file at " + std::to_string(file_size));
  return tensor;
}

void check_overlaps(const std::string& path, std::vector<TensorEntry> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  for (size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i - 1].offset + tensors[i - 1].bytes > tensors[i].offset)
      bad(path, "tensors " + tensors[i - 1].name + " and " + tensors[i].name + " overlap");
}

}  // namespace

SafetensorsHeader read_safetensors_header(const ReadFile& file) {
  const std::string& path = file.path();
  if (file.size() < kLengthBytes) bad(path, "it is " + std::to_string(file.size()) + " bytes long");
  uint64_t length = 0;
  file.read(&length, kLengthBytes, 0);
  if (length > kMaxHeaderBytes || length > file.size() - kLengthBytes)
    bad(path, "its header claims " + std::to_string(length) + " bytes, the file has " +
                  std::to_string(file.size()));
  std::string text(length, '\0');
  file.read(text.data(), length, kLengthBytes);
  Json root;
  try {
    root = parse_json(text);
  } catch (const std::invalid_argument& error) {
    bad(path, error.what());
  }
  if (root.kind != Json::Kind::kObject) bad(path, "its header is not an object");
  SafetensorsHeader header;
  for (const auto& [name, entry] : root.object) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.object) header.metadata[key] = value.string;
    } else {
      header.tensors.push_back(parse_entry(path, name, entry, kLengthBytes + length, file.size()));
    }
  }
  check_overlaps(path, header.tensors);
  return header;
}

at::Tensor read_tensor(const ReadFile& file, const TensorEntry& entry) {
  at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype));
  if (entry.bytes > 0) file.read(tensor.data_ptr(), entry.bytes, entry.offset);
  return tensor;
}

StateDict read_safetensors(const std::string& path, Metadata* metadata) {
  const ReadFile file(path);
  SafetensorsHeader header = read_safetensors_header(file);
  StateDict tensors;
  for (const TensorEntry& entry : header.tensors) tensors.emplace(entry.name, read_tensor(file, entry));
  if (metadata) *metadata = std::move(header.metadata);
  return tensors;
}

void SafetensorsWriter::declare(const std::string& name, at::ScalarType dtype, at::IntArrayRef shape) {
  entries_ += quote_json(name) + ":{\"dtype\":\"" + type_name(dtype) + "\",\"shape\":[";
  uint64_t bytes = c10::elementSize(dtype);
  for (size_t i = 0; i < shape.size(); ++i) {
    entries_ += (i ? "," : "") + std::to_string(shape[i]);
    bytes *= static_cast<uint64_t>(shape[i]);
  }
  entries_ +=
      "],\"data_offsets\":[" + std::to_string(offset_) + "," + std::to_string(offset_ + bytes) + "]},";
  offset_ += bytes;
  declared_.push_back({dtype, shape.vec()});
}

void SafetensorsWriter::begin(const Metadata& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) text += quote_json(key) + ":" + quote_json(value) + ",";
    text.back() = '}';
    text += ',';
  }
  text += entries_;
  if (text.back() == ',') text.pop_back();
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the buffers are aligned
  const uint64_t length = text.size();
  file_.write(&length, kLengthBytes);
  file_.write(text.data(), length);
}

void SafetensorsWriter::append(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().cpu().contiguous();
  if (appended_ == declared_.size() || dense.scalar_type() != declared_[appended_].dtype ||
      dense.sizes() != declared_[appended_].shape)
    throw Error("SAM_BAD_SHAPE", "a tensor to be saved is not the one declared");
  ++appended_;
  file_.write(dense.data_ptr(), dense.nbytes());
}

void SafetensorsWriter::commit() {
  if (appended_ != declared_.size()) throw Error("SAM_BAD_ARGUMENT", "not all declared tensors were saved");
  file_.commit();
}

void write_safetensors(const std::string& path, const StateDict& tensors, const Metadata& metadata) {
  SafetensorsWriter writer(path);
  for (const auto& [name, tensor] : tensors) writer.declare(name, tensor.scalar_type(), tensor.sizes());
  writer.begin(metadata);
  for (const auto& [name, tensor] : tensors) writer.append(tensor);
  writer.commit();
}

}  // namespace sam
