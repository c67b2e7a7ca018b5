#include "weights/image_encoders.h"

#include "error.h"
#include "model/frame.h"
#include "weights/tiny_vit_weights.h"

namespace sam {
namespace {

constexpr int64_t kMlpExpansion = 4;
constexpr int64_t kWindow = 14;

ViTConfig config_of(const ViTSize& size) {
  ViTConfig config{size.dim, size.heads, kMlpExpansion * size.dim, {}};
  for (int64_t block = 1; block <= size.depth; ++block)
    config.windows.push_back(block % size.global_every == 0 ? kEmbeddingSize : kWindow);
  return config;
}

// "ViT-B" …, or "a ViT of 384 channels and 12 blocks".
std::string name_of(const ViTConfig& config) {
  const auto depth = static_cast<int64_t>(config.windows.size());
  for (const ViTSize& size : kViTSizes)
    if (config.dim == size.dim && depth == size.depth) return size.name;
  return "a ViT of " + std::to_string(config.dim) + " channels and " + std::to_string(depth) + " blocks";
}

// An encoder without its adapter is another encoder, which would predict without a word.
void refuse_adapters(const ModelWeights& weights) {
  for (const char* prefix : {"image_encoder.", "vision_encoder."})
    for (const std::string& name : weights.names(prefix))
      if (name.find("lora") != std::string::npos || name.find("LoRA") != std::string::npos)
        throw Error("SAM_BAD_CHECKPOINT", weights.path() + " holds an adapter beside its image encoder (" +
                                              name + "); merge it in Python, and save the whole model");
}

}  // namespace

std::string EncoderFound::name() const {
  switch (kind) {
    case EncoderKind::kNone:
      return "no image encoder";
    case EncoderKind::kTinyViT:
      return kTinyViTName;
    case EncoderKind::kViT:
      return name_of(*vit);
    default:
      return "another image encoder";
  }
}

EncoderFound find_encoder(const ModelWeights& weights) {
  refuse_adapters(weights);
  if (weights.has(kTinyViTMark)) return {EncoderKind::kTinyViT, {}};
  if (const auto vit = vit_config(weights)) {
    weights.require(vit_shapes(*vit), {"vision_encoder."}, "its image encoder looks like " + name_of(*vit));
    return {EncoderKind::kViT, vit};
  }
  const bool other = weights.has("image_encoder.") || weights.has("vision_encoder.");
  return {other ? EncoderKind::kOther : EncoderKind::kNone, {}};
}

BuildableEncoder require_buildable(const ModelWeights& weights) {
  const EncoderFound found = find_encoder(weights);
  if (found.vit) return *found.vit;
  if (found.kind == EncoderKind::kTinyViT) return TinyViT{};
  throw Error("SAM_BAD_CHECKPOINT", weights.path() + " holds " + found.name() +
                                        "; SAM's ViT-B, L, H and MobileSAM's TinyViT can be built");
}

Shapes encoder_shapes(const std::string& name) {
  if (name == kTinyViTName) return tiny_vit_shapes();
  std::string known;
  for (const ViTSize& size : kViTSizes) {
    if (name == size.name) return vit_shapes(config_of(size));
    known += std::string(size.name) + ", ";
  }
  throw Error("SAM_BAD_ARGUMENT", "encoder must be one of " + known + kTinyViTName + ", not '" + name + "'");
}

}  // namespace sam
