#include "export/export_encoder.h"

#include <torch/csrc/jit/serialization/export.h>

#include "export/tiny_vit_script.h"
#include "export/vit_script.h"
#include "storage/file.h"
#include "weights/image_encoders.h"

namespace sam {

void export_encoder(const std::string& path, const std::string& output) {
  ModelWeights weights(path);
  const torch::jit::Module module =
      std::visit(Cases{[&](const ViTConfig& vit) { return build_vit(weights, vit, at::kFloat); },
                       [&](TinyViT) { return build_tiny_vit(weights, at::kFloat); }},
                 require_buildable(weights));
  AtomicFile file(output);
  torch::jit::ExportModule(module, [&](const void* data, size_t bytes) {
    file.write(data, bytes);
    return bytes;
  });
  file.commit();
}

}  // namespace sam
