// SAM's own image encoder (vit.h) written as TorchScript, for `export`: other programs open it without ours.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include "weights/vit_weights.h"

namespace sam {

// The module is as ScriptBuilder's `sequence`, and works in fp32, fp16 and bf16 on any device; its output is
// fp32. `weights` must have been found to hold `vit_shapes`.
torch::jit::Module build_vit(ModelWeights& weights, const ViTConfig& config, at::ScalarType dtype);

}  // namespace sam
