// SAM's own image encoder (vit.h) in LibTorch's operators: the form that runs. What TorchScript is made of
// for other programs is in vit_script.h.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>

#include "encoder/image_encoder.h"
#include "weights/vit_weights.h"

namespace sam {

// A layer is the attention or the MLP of one block. `weights` must have been found to hold `vit_shapes`; they
// are read one tensor at a time and kept in `dtype`: fp32, bf16 or fp16.
std::unique_ptr<ImageEncoder> make_vit_encoder(ModelWeights& weights, const ViTConfig& config,
                                               at::Device device, at::ScalarType dtype);

}  // namespace sam
