#include "training/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "error.h"
#include "text.h"

namespace sam {
namespace {

constexpr const char* kExpAvg = "optimizer.exp_avg.";
constexpr const char* kExpAvgSq = "optimizer.exp_avg_sq.";
constexpr const char* kStep = "optimizer.step.";

// PyTorch's defaults.
constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

// The tensor of that name, which must have that shape: LibTorch's kernel would not ask.
const at::Tensor& find(const StateDict& tensors, const std::string& name, at::IntArrayRef shape,
                       const std::string& path) {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw Error("SAM_BAD_CHECKPOINT", path + " lacks " + name + " and cannot be resumed");
  if (found->second.sizes() != shape)
    throw Error("SAM_BAD_CHECKPOINT", path + " cannot be resumed: " + name + " is " +
                                          shape_text(found->second.sizes()) + " instead of " +
                                          shape_text(shape));
  return found->second;
}

}  // namespace

AdamW::AdamW(Parameters parameters, double weight_decay)
    : parameters_(std::move(parameters)), moments_(parameters_.size()), weight_decay_(weight_decay) {}

void AdamW::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> tensors, gradients, exp_avgs, exp_avg_sqs, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].second;
    if (!tensor.grad().defined()) continue;
    Moments& moments = moments_[i];
    if (!moments.step.defined())
      moments = {at::zeros_like(tensor), at::zeros_like(tensor), at::zeros({}, tensor.options())};
    tensors.push_back(tensor);
    gradients.push_back(tensor.grad());
    exp_avgs.push_back(moments.exp_avg);
    exp_avg_sqs.push_back(moments.exp_avg_sq);
    steps.push_back(moments.step);
  }
  at::_foreach_add_(steps, 1);
  at::_fused_adamw_(tensors, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps, learning_rate,
                    kBeta1, kBeta2, weight_decay_, kEpsilon, /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::zero_grad() {
  for (auto& [name, tensor] : parameters_) tensor.mutable_grad().reset();
}

StateDict AdamW::state() const {
  StateDict tensors;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].first;
    const Moments& moments = moments_[i];
    if (!moments.step.defined()) continue;
    tensors[kExpAvg + name] = moments.exp_avg;
    tensors[kExpAvgSq + name] = moments.exp_avg_sq;
    tensors[kStep + name] = moments.step.to(at::kLong);
  }
  return tensors;
}

void AdamW::restore(const StateDict& tensors, const std::string& path) {
  std::vector<Moments> moments(parameters_.size());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, tensor] = parameters_[i];
    const bool none = !tensors.contains(kExpAvg + name) && !tensors.contains(kExpAvgSq + name) &&
                      !tensors.contains(kStep + name);
    if (none) continue;
    const auto take = [&, &tensor = tensor, &name = name](const std::string& kind, at::IntArrayRef shape) {
      return find(tensors, kind + name, shape, path)
          .to(tensor.options(), /*non_blocking=*/false, /*copy=*/true);
    };
    moments[i] = {take(kExpAvg, tensor.sizes()), take(kExpAvgSq, tensor.sizes()), take(kStep, {})};
    if (!(moments[i].step.item<double>() >= 0))
      throw Error("SAM_BAD_CHECKPOINT",
                  path + " cannot be resumed: " + kStep + name + " is not a number of steps");
  }
  moments_ = std::move(moments);
}

}  // namespace sam
