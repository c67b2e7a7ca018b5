#include "export/export_encoder.h"

#include <torch/csrc/jit/serialization/export.h>

#include "export/archive_file.h"
#include "export/decoder_script.h"
#include "export/tiny_vit_script.h"
#include "export/vit_script.h"
#include "weights/image_encoders.h"

namespace sam {
namespace {

void save_module(const torch::jit::Module& module, const std::string& output) {
  ArchiveFile file(output);
  torch::jit::ExportModule(module, [&](const void* data, size_t bytes) { return file.write(data, bytes); });
  file.commit();
}

}  // namespace

void export_encoder(const std::string& path, const std::string& output) {
  ModelWeights weights(path);
  save_module(std::visit(Cases{[&](const ViTConfig& vit) { return build_vit(weights, vit, at::kFloat); },
                               [&](TinyViT) { return build_tiny_vit(weights, at::kFloat); }},
                         require_buildable(weights)),
              output);
}

void export_decoder(const SamFiles& files, const std::string& output) {
  save_module(build_decoder(*load_sam(files, at::kCPU, at::kFloat)), output);
}

}  // namespace sam
