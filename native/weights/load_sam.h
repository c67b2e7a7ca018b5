// The model that answers prompts (model/sam.h), from files of weights.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/sam.h"
#include "weights/model_weights.h"

namespace sam {

struct SamFiles {
  std::string weights;
  std::string decoder;  // its mask decoder is taken instead of the one in `weights`; empty: none
  std::optional<double>
      norm_epsilon;  // of the transformer's layer norms; default: Meta 1e-5, Hugging Face 1e-6
};

// The model of these files, on `device`. SAM_BAD_CHECKPOINT names every tensor that is missing, unexpected or
// misshapen.
std::shared_ptr<Sam> load_sam(const SamFiles& files, at::Device device, at::ScalarType compute_type);

// Copies these parts of a file into the modules; all of their tensors must be there, in their shapes, and no
// others (SAM_BAD_CHECKPOINT with all the names otherwise).
void load_parts(Sam& sam, ModelWeights& weights, const std::vector<std::string>& parts);

// The tensors that prompt encoder and mask decoder need.
Shapes prompt_side_shapes();

}  // namespace sam
