// Weights on disk, whatever their format, read tensor by tensor: a ViT-H need not fit into memory twice.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sam {

struct TensorInfo {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
};

// Not thread-safe.
class WeightsFile {
 public:
  virtual ~WeightsFile() = default;

  // By their names in the file.
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  // The values: on the CPU, contiguous, in the file's own type. `name` must be one of `tensors`.
  virtual at::Tensor read(const std::string& name) = 0;

 protected:
  std::map<std::string, TensorInfo> tensors_;
};

// A safetensors file, a file that torch.save wrote (`.pth`, `.pt`, `.bin`), or the index of a sharded one
// (`*.index.json`, its shards beside it); told apart by content. Reads headers only. Throws SAM_IO (cannot
// read) or SAM_BAD_CHECKPOINT (none of these, cut short, malformed).
std::unique_ptr<WeightsFile> open_weights(const std::string& path);

// What zip archive of PyTorch's the file is: none at all, one that is damaged, torch.jit.save's, or another.
enum class ArchiveKind { kNone, kDamaged, kTorchScript, kOther };
ArchiveKind archive_kind(const std::string& path);

}  // namespace sam
