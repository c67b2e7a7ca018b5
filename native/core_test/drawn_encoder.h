// SAM's own image encoder in any size, with drawn weights.
#pragma once

#include <memory>

#include "encoder/image_encoder.h"
#include "storage/safetensors.h"
#include "weights/vit_weights.h"

namespace sam::core_test {

// A block that attends within windows and one that attends everywhere, their heads of this depth; of ViT-B's
// or ViT-H's true width on a GPU, and of two heads on a CPU.
ViTConfig block_pair(int64_t head_depth, at::Device device);

// `amplitude`: of the activations that run past the blocks.
StateDict drawn_weights(const ViTConfig& config, double amplitude);

std::unique_ptr<ImageEncoder> load_weights(const StateDict& weights, at::Device device, at::ScalarType dtype);

// 1 x 3 x 1024 x 1024, as preprocess makes it.
at::Tensor drawn_pixels(at::Device device);

}  // namespace sam::core_test
