// What a file of weights holds, before anything is loaded.
#pragma once

#include <string>

#include "weights/image_encoders.h"

namespace sam {

struct Inspected {
  NameScheme scheme;
  bool prompt_encoder, mask_decoder;
  EncoderFound encoder;
};

// What the file holds, from names and shapes alone. A part that is there must be whole: SAM_BAD_CHECKPOINT
// names what it lacks, what has another shape and what is not SAM's. Otherwise throws as open_weights.
Inspected inspect_weights(const std::string& path);

}  // namespace sam
