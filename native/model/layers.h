// Small layers that the prompt encoder and the mask decoder share. Parameters carry Hugging Face's names.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace sam {

// linear -> ReLU -> linear, inside a transformer block: `lin1`, `lin2`.
struct MlpBlockImpl : torch::nn::Module {
  MlpBlockImpl(int64_t dim, int64_t hidden);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Linear lin1{nullptr}, lin2{nullptr};
};
TORCH_MODULE(MlpBlock);

// Three linear layers with ReLU between: the hypernetworks and the IoU head: `proj_in`, `layers.0`,
// `proj_out`.
struct FeedForwardImpl : torch::nn::Module {
  FeedForwardImpl(int64_t input, int64_t hidden, int64_t output);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Linear proj_in{nullptr}, hidden{nullptr}, proj_out{nullptr};
};
TORCH_MODULE(FeedForward);

torch::nn::LayerNorm layer_norm(int64_t dim, double epsilon);

}  // namespace sam
