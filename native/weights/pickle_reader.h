// State dicts that Python's torch.save wrote (`.pth`, `.pt`, `.bin`: a zip of a pickle and its data). No code
// in them runs.
#pragma once

#include <memory>
#include <string>

#include "weights/weights_file.h"

namespace sam {

// The dict may lie one level down, under `model`, `state_dict` or `model_state_dict`. Only the pickle is read
// now, the tensors' data one by one later. Throws SAM_IO (cannot read) or SAM_BAD_CHECKPOINT (cut short, not
// a state dict, or the pickle names a function or class that no state dict needs).
std::unique_ptr<WeightsFile> open_pickle(const std::string& path);

}  // namespace sam
