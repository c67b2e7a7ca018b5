#include "encoder/load_encoder.h"

#include <ATen/core/grad_mode.h>

#include "encoder/torchscript_encoder.h"
#include "encoder/vit_encoder.h"
#include "error.h"
#include "export/tiny_vit_script.h"
#include "model/exact.h"
#include "weights/image_encoders.h"
#include "weights/weights_file.h"

namespace sam {
namespace {

// Weights, of which the encoder is built, rather than TorchScript or something else. What is damaged beyond
// telling counts as the latter: load_torchscript says what an encoder must be.
bool holds_weights(const std::string& path) {
  if (path.ends_with(".index.json") || path.ends_with(".safetensors")) return true;
  const ArchiveKind kind = archive_kind(path);
  if (kind != ArchiveKind::kNone) return kind == ArchiveKind::kOther;
  try {
    open_weights(path);
    return true;
  } catch (const Error& error) {
    if (error.code != "SAM_BAD_CHECKPOINT") throw;
    return false;
  }
}

std::unique_ptr<ImageEncoder> build_encoder(const std::string& path, at::Device device,
                                            at::ScalarType dtype) {
  ModelWeights weights(path);
  return std::visit(Cases{[&](const ViTConfig& vit) { return make_vit_encoder(weights, vit, device, dtype); },
                          [&](TinyViT) {
                            return torchscript_encoder(path, build_tiny_vit(weights, dtype), device, dtype);
                          }},
                    require_buildable(weights));
}

}  // namespace

std::unique_ptr<ImageEncoder> load_encoder(const std::string& path, at::Device device, at::ScalarType dtype,
                                           bool check) {
  const at::NoGradGuard no_grad;
  keep_exact(device, dtype);
  return holds_weights(path) ? build_encoder(path, device, dtype)
                             : load_torchscript(path, device, dtype, check);
}

}  // namespace sam
