// Words for messages.
#pragma once

#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <string>

namespace sam {

// "3 x 1024 x 1024", or "one number" where there are no sides.
inline std::string shape_text(c10::IntArrayRef shape) {
  std::string text;
  for (const int64_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text.empty() ? "one number" : text;
}

}  // namespace sam
