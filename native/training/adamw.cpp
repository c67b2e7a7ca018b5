#include "training/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "error.h"

namespace sam {
namespace {

constexpr const char* kExpAvg = "optimizer.exp_avg.";
constexpr const char* kExpAvgSq = "optimizer.exp_avg_sq.";
constexpr const char* kStep = "optimizer.step.";

// PyTorch's defaults.
constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEpsilon = 1e-8;

const at::Tensor& find(const StateDict& tensors, const std::string& name, const std::string& path) {
  const auto found = tensors.find(name);
  if (found == tensors.end())
    throw Error("SAM_BAD_CHECKPOINT", path + " lacks " + name + " and cannot be resumed");
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
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, tensor] = parameters_[i];
    if (!tensors.contains(kStep + name)) continue;
    const auto take = [&](const std::string& kind) {
      return find(tensors, kind + name, path).to(tensor.options(), /*non_blocking=*/false, /*copy=*/true);
    };
    moments_[i] = {take(kExpAvg), take(kExpAvgSq), take(kStep)};
  }
}

}  // namespace sam
