// ONNX files, as far as weights need them: initialisers, constants, and which node uses them. Format:
// protobuf, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3; read here without a library.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace sam {

struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
};

struct OnnxGraph {
  std::vector<OnnxNode> nodes;                // in the file's order, which is the order of execution
  std::map<std::string, at::Tensor> tensors;  // fp32 initialisers and the values of Constant nodes
};

// Throws SAM_IO (cannot read) or SAM_BAD_CHECKPOINT (not ONNX, or cut short).
OnnxGraph read_onnx(const std::string& path);

}  // namespace sam
