// What the readers of pickles and of ONNX throw; whoever opened the file says which one it was.
#pragma once

#include <stdexcept>

namespace sam {

// The bytes are cut short, or of a form that no writer of the format makes.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace sam
