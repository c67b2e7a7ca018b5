// The two halves of a model as TorchScript, for programs that open them without ours.
#pragma once

#include <string>

#include "weights/load_sam.h"

namespace sam {

// Writes the image encoder in a file of weights to a TorchScript file, in fp32, first to a temporary name,
// then renamed. Throws SAM_BAD_CHECKPOINT where there is no encoder that can be built.
void export_encoder(const std::string& weights, const std::string& output);

// The same of prompt encoder and mask decoder (build_decoder). Throws as load_sam.
void export_decoder(const SamFiles& files, const std::string& output);

}  // namespace sam
