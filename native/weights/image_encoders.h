// The image encoders that SAM has, by name and size: the one table of which finding, inspecting, building,
// exporting and random weights derive what they need.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "weights/vit_weights.h"

namespace sam {

// A ViT of SAM's: https://arxiv.org/abs/2304.02643, appendix A. Every `global_every`-th block attends to the
// whole picture, the others within windows.
struct ViTSize {
  const char* name;
  int64_t dim, depth, heads, global_every;
};

inline constexpr std::array<ViTSize, 3> kViTSizes{{{"ViT-B", 768, 12, 12, 3},   //
                                                   {"ViT-L", 1024, 24, 16, 6},  //
                                                   {"ViT-H", 1280, 32, 16, 8}}};

// MobileSAM's encoder, whose stages are in tiny_vit_weights.h.
inline constexpr const char* kTinyViTName = "TinyViT";

enum class EncoderKind { kNone, kTinyViT, kViT, kOther };

struct EncoderFound {
  EncoderKind kind;
  std::optional<ViTConfig> vit;  // for kViT

  bool buildable() const { return kind == EncoderKind::kTinyViT || kind == EncoderKind::kViT; }
  // "TinyViT", "ViT-B" …, or words for another.
  std::string name() const;
};

// The encoder that names and shapes tell of. Throws SAM_BAD_CHECKPOINT for a ViT that lacks tensors, or has
// others, naming them.
EncoderFound find_encoder(const ModelWeights& weights);

// MobileSAM's encoder has one size.
struct TinyViT {};

// An encoder that can be built. Whoever builds or exports one visits it with Cases: a kind without its case
// does not compile.
using BuildableEncoder = std::variant<ViTConfig, TinyViT>;

template <typename... Case>
struct Cases : Case... {
  using Case::operator()...;
};

// The encoder that these weights hold. Throws SAM_BAD_CHECKPOINT where they hold none that can be built.
BuildableEncoder require_buildable(const ModelWeights& weights);

// The tensors that the encoder of this name needs: a ViT under Hugging Face's names, a TinyViT under
// MobileSAM's. Throws SAM_BAD_ARGUMENT for another name.
Shapes encoder_shapes(const std::string& name);

}  // namespace sam
