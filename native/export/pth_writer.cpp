#include "export/pth_writer.h"

#include <ATen/ATen.h>

#include <string_view>
#include <utility>

#include "error.h"

namespace sam {
namespace {

// Opcodes of pickle, protocol 2, with what they do to the stack.
constexpr std::string_view kStart = "\x80\x02}(";  // PROTO 2, EMPTY_DICT, MARK
constexpr std::string_view kEnd = "u.";            // SETITEMS, STOP
constexpr char kMark = '(', kTuple = 't', kReduce = 'R', kPersistent = 'Q', kFalse = '\x89';

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string unicode(const std::string& text) { return 'X' + little_endian(text.size(), 4) + text; }
std::string global(const std::string& module, const std::string& name) {
  return 'c' + module + '\n' + name + '\n';
}
std::string integer(int64_t value) { return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8); }

std::string tuple(at::IntArrayRef values) {
  std::string text(1, kMark);
  for (const int64_t value : values) text += integer(value);
  return text + kTuple;
}

// _rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks), its storage the record
// `data/<key>`.
std::string tensor(const std::string& key, at::IntArrayRef shape) {
  int64_t count = 1;
  std::vector<int64_t> strides(shape.size());
  for (size_t i = shape.size(); i-- > 0;) strides[i] = std::exchange(count, count * shape[i]);
  const std::string storage = kMark + unicode("storage") + global("torch", "FloatStorage") + unicode(key) +
                              unicode("cpu") + integer(count) + kTuple + kPersistent;
  const std::string hooks = global("collections", "OrderedDict") + ")" + kReduce;
  return global("torch._utils", "_rebuild_tensor_v2") + kMark + storage + integer(0) + tuple(shape) +
         tuple(strides) + kFalse + hooks + kTuple + kReduce;
}

}  // namespace

PthWriter::PthWriter(const std::string& path)
    : file_(path),
      archive_([this](const void* data, size_t bytes) { return file_.write(data, bytes); }),
      pickle_(kStart) {}

void PthWriter::declare(const std::string& name, at::IntArrayRef shape) {
  pickle_ += unicode(name) + tensor(std::to_string(declared_.size()), shape);
  declared_.push_back(shape.vec());
}

void PthWriter::begin() {
  pickle_ += kEnd;
  record("data.pkl", pickle_.data(), pickle_.size());
  constexpr std::string_view kOrder = "little";
  record("byteorder", kOrder.data(), kOrder.size());
}

void PthWriter::append(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  if (appended_ == declared_.size() || dense.scalar_type() != at::kFloat ||
      dense.sizes() != declared_[appended_])
    throw Error("SAM_BAD_SHAPE", "a tensor to be saved is not the one declared");
  record("data/" + std::to_string(appended_++), dense.const_data_ptr(), dense.nbytes());
}

void PthWriter::commit() {
  if (appended_ != declared_.size()) throw Error("SAM_BAD_ARGUMENT", "not all declared tensors were saved");
  archive_.writeEndOfFile();
  file_.commit();
}

void PthWriter::record(const std::string& name, const void* data, size_t bytes) {
  archive_.writeRecord(name, data, bytes);
  file_.check();
}

}  // namespace sam
