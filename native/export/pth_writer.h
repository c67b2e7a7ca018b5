// Writes a state dict as Python's torch.save does: a zip archive of a pickle and the tensors' numbers.
#pragma once

#include <ATen/core/Tensor.h>
#include <caffe2/serialize/inline_container.h>

#include <string>
#include <vector>

#include "export/archive_file.h"

namespace sam {

// A plain dict of names and fp32 tensors, which torch.load(weights_only=True) reads. Tensor by tensor, as
// SafetensorsWriter: declare all, begin, append in the same order, commit. Throws SAM_IO.
class PthWriter {
 public:
  explicit PthWriter(const std::string& path);

  void declare(const std::string& name, at::IntArrayRef shape);
  void begin();
  // The next declared tensor, fp32; its shape must be the one declared.
  void append(const at::Tensor& tensor);
  void commit();

 private:
  void record(const std::string& name, const void* data, size_t bytes);

  ArchiveFile file_;
  caffe2::serialize::PyTorchStreamWriter archive_;  // behind the file, which it writes to until it is gone
  std::string pickle_;
  std::vector<std::vector<int64_t>> declared_;
  size_t appended_ = 0;
};

}  // namespace sam
