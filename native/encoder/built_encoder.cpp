#include "encoder/built_encoder.h"

#include <torch/csrc/jit/serialization/export.h>

#include "encoder/torchscript_encoder.h"
#include "encoder/vit_encoder.h"
#include "error.h"
#include "export/tiny_vit_script.h"
#include "export/vit_script.h"
#include "storage/file.h"

namespace sam {
namespace {

// A TinyViT, or a ViT with its configuration.
EncoderFound require_buildable(const ModelWeights& weights) {
  EncoderFound found = find_encoder(weights);
  if (found.kind != EncoderKind::kTinyViT && found.kind != EncoderKind::kViT)
    throw Error("SAM_BAD_CHECKPOINT", weights.path() + " holds " + found.name() +
                                          "; SAM's ViT-B, L, H and MobileSAM's TinyViT can be built");
  return found;
}

}  // namespace

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

std::unique_ptr<ImageEncoder> build_encoder(const std::string& path, at::Device device,
                                            at::ScalarType dtype) {
  ModelWeights weights(path);
  const EncoderFound found = require_buildable(weights);
  if (found.vit) return make_vit_encoder(weights, *found.vit, device, dtype);
  return torchscript_encoder(path, build_tiny_vit(weights, dtype), device, dtype);
}

void export_encoder(const std::string& path, const std::string& output) {
  ModelWeights weights(path);
  const EncoderFound found = require_buildable(weights);
  const torch::jit::Module module =
      found.vit ? build_vit(weights, *found.vit, at::kFloat) : build_tiny_vit(weights, at::kFloat);
  AtomicFile file(output);
  torch::jit::ExportModule(module, [&](const void* data, size_t bytes) {
    file.write(data, bytes);
    return bytes;
  });
  file.commit();
}

}  // namespace sam
