// The pickle inside what torch.save wrote: where a state dict's tensors lie. No code in it runs.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "weights/malformed.h"

namespace sam {

// The record `data/<key>` of the archive.
struct Storage {
  std::string key;
  c10::ScalarType dtype;
};

// A view of a storage, in elements.
struct TensorView {
  Storage storage;
  int64_t offset;
  std::vector<int64_t> shape, strides;
};

using TensorViews = std::map<std::string, TensorView>;

// The pickle names something that is not part of any state dict.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The tensors of the dict, or of the one in it under `model`, `state_dict` or `model_state_dict`; none where
// there are none. Throws Malformed, Refused.
TensorViews unpickle_state_dict(std::string_view pickle);

}  // namespace sam
