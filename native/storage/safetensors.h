// Reads and writes safetensors: 8 bytes little-endian header length, a JSON header, raw little-endian
// buffers. Format: https://github.com/huggingface/safetensors (README, "Format").
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "storage/file.h"

namespace sam {

using StateDict = std::map<std::string, at::Tensor>;
using Metadata = std::map<std::string, std::string>;

// Bounds of what a file may name; no tensor of any model comes near them.
inline constexpr size_t kMostNameBytes = 500;
inline constexpr size_t kMostSides = 16;

struct TensorEntry {
  std::string name;
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  uint64_t offset;  // of the first byte, from the file's start
  uint64_t bytes;
};

// The header alone: every offset has been checked against the file's size.
// Throws SAM_IO (cannot read) or SAM_BAD_CHECKPOINT (not safetensors, cut short, absurd header).
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;
  Metadata metadata;
};
SafetensorsHeader read_safetensors_header(const ReadFile& file);

// The values of one entry of the file's header, on the CPU.
at::Tensor read_tensor(const ReadFile& file, const TensorEntry& entry);

// All tensors, in memory, on the CPU, in the file's own types.
StateDict read_safetensors(const std::string& path, Metadata* metadata = nullptr);

// Writes tensor by tensor, for what would not fit into memory: declare all, begin, append in the same order,
// commit. The file appears at `commit`; without it nothing is left. Throws SAM_IO.
class SafetensorsWriter {
 public:
  explicit SafetensorsWriter(const std::string& path) : file_(path) {}

  void declare(const std::string& name, at::ScalarType dtype, at::IntArrayRef shape);
  void begin(const Metadata& metadata = {});
  // The next declared tensor; its type and shape must be those declared.
  void append(const at::Tensor& tensor);
  void commit();

 private:
  struct Declared {
    at::ScalarType dtype;
    std::vector<int64_t> shape;
  };

  AtomicFile file_;
  std::string entries_;  // the header's text so far
  std::vector<Declared> declared_;
  size_t appended_ = 0;
  uint64_t offset_ = 0;
};

// Writes to a temporary name beside `path`, fsyncs, renames. On failure nothing is left and SAM_IO is thrown.
void write_safetensors(const std::string& path, const StateDict& tensors, const Metadata& metadata = {});

}  // namespace sam
