// The pieces of which image encoders are written as TorchScript (torch::jit::Module::define), without Python.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>
#include <vector>

namespace sam {

// Activations are N x H x W x C throughout, so that every linear layer, norm and window is a view, and
// convolutions get the channels-last layout that they are fastest in.
//
// On the CPU the wide parts go through in bands of rows: what a band makes stays in the processor's cache,
// and no block is so large that the allocator takes it from the system, and faults it in, anew each time. On
// CUDA, where launches are what costs, all rows are one band.
class ScriptBuilder {
 public:
  // Weights are kept in `dtype`.
  explicit ScriptBuilder(at::ScalarType dtype) : dtype_(dtype) {}

  torch::jit::Module module(const std::string& name) const;
  void buffer(torch::jit::Module& module, const std::string& name, const at::Tensor& value) const;
  static void number(torch::jit::Module& module, const std::string& name, int64_t value);

  // `weight`: output x input.
  torch::jit::Module linear(const at::Tensor& weight, const at::Tensor& bias) const;
  // 3 x 3, padded by one.
  torch::jit::Module conv(const at::Tensor& weight, const at::Tensor& bias, int64_t stride,
                          int64_t groups = 1) const;
  // SAM's: 1 x 1 and 3 x 3 convolutions without bias, each with a norm over channels (epsilon 1e-6). Gives
  // N x 256 x H x W, fp32.
  struct Neck {
    at::Tensor conv1, norm1_weight, norm1_bias, conv2, norm2_weight, norm2_bias;
  };
  torch::jit::Module neck(const Neck& weights) const;
  // x + linear(GELU(linear(norm(x)))).
  struct Mlp {
    at::Tensor norm_weight, norm_bias, fc1_weight, fc1_bias, fc2_weight, fc2_bias;
    double epsilon;
  };
  torch::jit::Module mlp(const Mlp& weights) const;

  // `forward`, and `slice_count` and `run_slice` for those who share the machine (torchscript_encoder.h).
  torch::jit::Module sequence(const std::string& name, const std::vector<torch::jit::Module>& slices) const;

 private:
  at::ScalarType dtype_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_ = std::make_shared<torch::jit::CompilationUnit>();
};

}  // namespace sam
