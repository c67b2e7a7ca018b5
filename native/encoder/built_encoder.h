// An image encoder from a file of weights: what kind it holds, one that runs, and one as TorchScript.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <memory>
#include <optional>
#include <string>

#include "encoder/image_encoder.h"
#include "weights/model_weights.h"
#include "weights/vit_weights.h"

namespace sam {

enum class EncoderKind { kNone, kTinyViT, kViT, kOther };

struct EncoderFound {
  EncoderKind kind;
  std::optional<ViTConfig> vit;  // for kViT

  // "MobileSAM's TinyViT", "ViT-B" …, for messages.
  std::string name() const;
};

// From names and shapes. Throws SAM_BAD_CHECKPOINT for a ViT that lacks tensors, or has others, naming them.
EncoderFound find_encoder(const ModelWeights& weights);

// Its weights in `dtype`. Throws SAM_BAD_CHECKPOINT where there is no encoder that can be built.
std::unique_ptr<ImageEncoder> build_encoder(const std::string& weights, at::Device device,
                                            at::ScalarType dtype);

// To a TorchScript file for other programs, in fp32, written to a temporary name and renamed. Throws as
// above.
void export_encoder(const std::string& weights, const std::string& output);

}  // namespace sam
