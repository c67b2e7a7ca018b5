#include "weights/inspect.h"

#include <vector>

#include "weights/load_sam.h"

namespace sam {

Inspected inspect_weights(const std::string& path) {
  const ModelWeights weights(path);
  Inspected found{weights.scheme(), weights.has(kPromptEncoderPart), weights.has(kMaskDecoderPart),
                  find_encoder(weights)};
  std::vector<std::string> parts;
  if (found.prompt_encoder) parts.push_back(kPromptEncoderPart);
  if (found.mask_decoder) parts.push_back(kMaskDecoderPart);
  Shapes needed = prompt_side_shapes();
  std::erase_if(needed, [&](const auto& item) {
    return !(found.prompt_encoder && item.first.starts_with(kPromptEncoderPart)) &&
           !(found.mask_decoder && item.first.starts_with(kMaskDecoderPart));
  });
  weights.require(needed, parts, /*hint=*/"");
  return found;
}

}  // namespace sam
