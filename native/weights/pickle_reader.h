// State dicts that Python's torch.save wrote (`.pth`, `.pt`, `.bin`: a zip of a pickle and its data). No code
// in them runs.
#pragma once

#include <caffe2/serialize/inline_container.h>

#include <memory>
#include <string>

#include "storage/file.h"
#include "weights/weights_file.h"

namespace sam {

// The dict may lie one level down, under `model`, `state_dict` or `model_state_dict`. Only the pickle is read
// now, the tensors' data one by one later. Throws SAM_IO (cannot read) or SAM_BAD_CHECKPOINT (cut short, not
// a state dict, or the pickle names a function or class that no state dict needs).
std::unique_ptr<WeightsFile> open_pickle(std::shared_ptr<const ReadFile> file);

// The zip in the file, read by that one descriptor. Throws c10::Error where it is damaged.
std::unique_ptr<caffe2::serialize::PyTorchStreamReader> open_archive(std::shared_ptr<const ReadFile> file);

}  // namespace sam
