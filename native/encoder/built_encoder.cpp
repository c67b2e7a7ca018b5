#include "encoder/built_encoder.h"

#include <torch/csrc/jit/serialization/export.h>

#include "encoder/tiny_vit.h"
#include "error.h"
#include "storage/file.h"

namespace sam {

std::string EncoderFound::name() const {
  switch (kind) {
    case EncoderKind::kNone:
      return "no image encoder";
    case EncoderKind::kTinyViT:
      return "TinyViT";
    case EncoderKind::kViT:
      return vit->name();
    default:
      return "another image encoder";
  }
}

EncoderFound find_encoder(const ModelWeights& weights) {
  if (weights.has("image_encoder.patch_embed.seq.")) return {EncoderKind::kTinyViT, {}};
  if (const auto vit = vit_config(weights)) {
    weights.require(vit_shapes(*vit), {"vision_encoder."}, "its image encoder looks like " + vit->name());
    return {EncoderKind::kViT, vit};
  }
  const bool other = weights.has("image_encoder.") || weights.has("vision_encoder.");
  return {other ? EncoderKind::kOther : EncoderKind::kNone, {}};
}

torch::jit::Module build_encoder(const std::string& path, at::ScalarType dtype) {
  ModelWeights weights(path);
  const EncoderFound found = find_encoder(weights);
  if (found.kind == EncoderKind::kTinyViT) return build_tiny_vit(weights, dtype);
  if (found.kind == EncoderKind::kViT) return build_vit(weights, *found.vit, dtype);
  throw Error("SAM_BAD_CHECKPOINT",
              path + " holds " + found.name() + "; SAM's ViT-B, L, H and MobileSAM's TinyViT can be built");
}

void export_encoder(const std::string& weights, const std::string& output) {
  const torch::jit::Module module = build_encoder(weights, at::kFloat);
  AtomicFile file(output);
  torch::jit::ExportModule(module, [&](const void* data, size_t bytes) {
    file.write(data, bytes);
    return bytes;
  });
  file.commit();
}

}  // namespace sam
