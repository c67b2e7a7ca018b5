// A model's weights as other programs read them: transformers' SamModel, Meta's segment_anything,
// MobileSAM's own package.
#pragma once

#include <string>

#include "weights/checkpoint_names.h"

namespace sam {

enum class Container { kSafetensors, kPth };

struct WeightsExport {
  std::string weights;
  std::string encoder;  // file whose image encoder is taken instead of the one in `weights`; empty: none
  std::string decoder;  // the same for the mask decoder
  bool with_encoder = true;
  NameScheme names = NameScheme::kHuggingFace;
  Container container = Container::kSafetensors;
  std::string output;
};

// Writes the parts to one file, fp32, one tensor at a time: prompt encoder and mask decoder, and mostly the
// image encoder. MobileSAM's package also wants the classifier that its encoder was once trained with, and
// SAM never runs: zeros, where the weights came without it. Throws SAM_BAD_CHECKPOINT where a part is
// missing, or the image encoder is none that the names' program knows, as ModelWeights::read, and SAM_IO.
void export_weights(const WeightsExport& wanted);

}  // namespace sam
