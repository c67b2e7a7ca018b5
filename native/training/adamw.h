// AdamW (Loshchilov and Hutter 2019) by LibTorch's fused kernel: each parameter and its moments are read and
// written once.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/safetensors.h"

namespace sam {

class AdamW {
 public:
  using Parameters = std::vector<std::pair<std::string, at::Tensor>>;

  // Updates these in place.
  AdamW(Parameters parameters, double weight_decay);

  // Those that have a gradient.
  void step(double learning_rate);
  void zero_grad();

  // Moments and steps of the parameters that have been updated, under `optimizer.*`.
  StateDict state() const;
  // Parameters of which the tensors hold nothing begin anew. `path`: the file of the tensors, for
  // SAM_BAD_CHECKPOINT, which names what is missing or of another shape; then nothing has changed.
  void restore(const StateDict& tensors, const std::string& path);

 private:
  struct Moments {
    at::Tensor exp_avg, exp_avg_sq;  // undefined before the first update
    at::Tensor step;                 // updates so far, fp32
  };

  Parameters parameters_;
  std::vector<Moments> moments_;  // of each parameter
  double weight_decay_;
};

}  // namespace sam
