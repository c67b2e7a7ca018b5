// Numbers that training which diverged leaves in weights: NaN and infinity.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace sam {

// Whether no number of the tensor is NaN or infinite. One pass, without memory of its own.
bool all_finite(const at::Tensor& tensor);

// Whether a number is NaN; infinity may be meant, as in a mask of attention.
bool holds_nan(const at::Tensor& tensor);

// SAM_BAD_CHECKPOINT with the file, the tensor's name and how many of its numbers are NaN or infinite.
void require_finite(const at::Tensor& tensor, const std::string& name, const std::string& path);

}  // namespace sam
