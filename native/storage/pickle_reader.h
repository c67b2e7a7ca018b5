// State dicts that Python's torch.save wrote (`.pth`, `.pt`: a zip of a pickle and its data). No code in them
// runs.
#pragma once

#include <string>

#include "storage/safetensors.h"

namespace sam {

// All tensors, on the CPU, contiguous, names unchanged. The dict may lie one level down, under `model`,
// `state_dict` or `model_state_dict`. Throws SAM_IO (cannot read) or SAM_BAD_CHECKPOINT (cut short, or not a
// state dict).
StateDict read_pickle(const std::string& path);

}  // namespace sam
