// The parts of MobileSAM's image encoder (TinyViT-5M, https://arxiv.org/abs/2306.14289, with SAM's neck) and
// where its weights lie.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "weights/model_weights.h"

namespace sam {

// Stage 0 is convolutional; the others attend within windows.
struct TinyViTStage {
  int64_t dim, depth, heads, window;
};

inline constexpr std::array<TinyViTStage, 4> kTinyViTStages{
    {{64, 2, 0, 0}, {128, 2, 4, 7}, {160, 6, 5, 14}, {320, 2, 10, 7}}};
inline constexpr int64_t kTinyViTExpansion = 4;  // of MBConv and of the MLP

// The beginning of names that only a TinyViT has.
inline const std::string kTinyViTMark = "image_encoder.patch_embed.seq.";

// The tensors that a TinyViT needs, under MobileSAM's names.
Shapes tiny_vit_shapes();

}  // namespace sam
