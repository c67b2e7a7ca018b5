// An image encoder as TorchScript, for programs that open it without ours.
#pragma once

#include <string>

namespace sam {

// Writes the image encoder in a file of weights to a TorchScript file, in fp32, first to a temporary name,
// then renamed. Throws SAM_BAD_CHECKPOINT where there is no encoder that can be built.
void export_encoder(const std::string& weights, const std::string& output);

}  // namespace sam
