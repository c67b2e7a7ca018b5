#include "model/layers.h"

#include <torch/nn/modules/container/modulelist.h>

namespace sam {

MlpBlockImpl::MlpBlockImpl(int64_t dim, int64_t hidden)
    : lin1(register_module("lin1", torch::nn::Linear(dim, hidden))),
      lin2(register_module("lin2", torch::nn::Linear(hidden, dim))) {}

at::Tensor MlpBlockImpl::forward(const at::Tensor& x) { return lin2(at::relu(lin1(x))); }

FeedForwardImpl::FeedForwardImpl(int64_t input, int64_t hidden_dim, int64_t output)
    : proj_in(register_module("proj_in", torch::nn::Linear(input, hidden_dim))),
      hidden(torch::nn::Linear(hidden_dim, hidden_dim)),
      proj_out(register_module("proj_out", torch::nn::Linear(hidden_dim, output))) {
  register_module("layers", torch::nn::ModuleList(hidden));
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& x) {
  return proj_out(at::relu(hidden(at::relu(proj_in(x)))));
}

torch::nn::LayerNorm layer_norm(int64_t dim, double epsilon) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim}).eps(epsilon));
}

}  // namespace sam
