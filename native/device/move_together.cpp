#include "device/move_together.h"

#include <ATen/ops/empty.h>

#include <cstring>

namespace sam {
namespace {

// Where the next tensor begins: LibTorch's kernels read sixteen bytes at once.
size_t after(size_t offset, const at::Tensor& tensor) { return (offset + tensor.nbytes() + 15) / 16 * 16; }

}  // namespace

void move_packed(const std::vector<at::Tensor*>& tensors, at::Device device) {
  std::vector<at::Tensor*> moving;
  size_t bytes = 0;
  for (at::Tensor* tensor : tensors) {
    if (!tensor->defined()) continue;
    *tensor = tensor->contiguous();
    moving.push_back(tensor);
    bytes = after(bytes, *tensor);
  }
  const at::Tensor packed = at::empty({static_cast<int64_t>(bytes)},
                                      at::TensorOptions().dtype(at::kByte).pinned_memory(device.is_cuda()));
  auto* const data = packed.mutable_data_ptr<uint8_t>();
  size_t offset = 0;
  for (const at::Tensor* tensor : moving) {
    if (tensor->nbytes() > 0) std::memcpy(data + offset, tensor->const_data_ptr(), tensor->nbytes());
    offset = after(offset, *tensor);
  }
  const at::Tensor moved = packed.to(device, /*non_blocking=*/true);
  offset = 0;
  for (at::Tensor* tensor : moving) {
    const size_t end = after(offset, *tensor);
    *tensor = moved.narrow(0, static_cast<int64_t>(offset), static_cast<int64_t>(tensor->nbytes()))
                  .view(tensor->scalar_type())
                  .view(tensor->sizes());
    offset = end;
  }
}

void move_together(const std::vector<at::Tensor*>& tensors, at::Device device) {
  if (device.is_cuda()) move_packed(tensors, device);
}

}  // namespace sam
