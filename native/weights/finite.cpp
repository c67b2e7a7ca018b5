#include "weights/finite.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "error.h"

namespace sam {

namespace {

// Least and most; both are NaN where any number is, and 0 of whole numbers.
std::pair<double, double> bounds(const at::Tensor& tensor) {
  if (tensor.numel() == 0 || !at::isFloatingType(tensor.scalar_type())) return {0, 0};
  const auto [least, most] = at::aminmax(tensor);
  return {least.item<double>(), most.item<double>()};
}

}  // namespace

bool all_finite(const at::Tensor& tensor) {
  const auto [least, most] = bounds(tensor);
  return std::isfinite(least) && std::isfinite(most);
}

bool holds_nan(const at::Tensor& tensor) { return std::isnan(bounds(tensor).first); }

void require_finite(const at::Tensor& tensor, const std::string& name, const std::string& path) {
  if (all_finite(tensor)) return;
  const auto count = tensor.numel() - at::isfinite(tensor).sum().item<int64_t>();
  throw Error("SAM_BAD_CHECKPOINT",
              path + " holds NaN or infinity: " + std::to_string(count) + " of " +
                  std::to_string(tensor.numel()) + " numbers of its tensor " + name +
                  "; get the weights again, or take a checkpoint from before its training diverged");
}

}  // namespace sam
