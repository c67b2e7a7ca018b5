// Image encoders: a tiny ViT against transformers, and a TorchScript file on a drawn picture.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "core_test/checks.h"
#include "encoder/load_encoder.h"
#include "encoder/preprocess.h"
#include "weights/image_encoders.h"

namespace sam::core_test {
namespace {

// A 480 x 640 picture: the first disk, bright on dark noise.
at::Tensor drawn_picture(const at::Tensor& disks) {
  const at::Tensor disk = at::constant_pad_nd(disk_masks(disks)[0], {0, 384, 0, 224}).unsqueeze(2);
  return (disk * 150 +
          synthetic_mask_prompts(1, 1).repeat({1, 2, 3})[0].slice(0, 0, 480).slice(1, 0, 640).unsqueeze(2) *
              5 +
          50)
      .clamp(0, 255)
      .expand({480, 640, 3})
      .to(at::kByte)
      .contiguous();
}

constexpr int64_t kVitStride = 509;  // as scripts/make_fixtures.py

at::Tensor vit_embedding(const Context& context, bool meta_names, const at::Tensor& picture) {
  const TemporaryFile file;
  write_safetensors(file.path(), random_vit_weights(context.vit_parameters, meta_names));
  const auto encoder = load_encoder(file.path(), context.device, at::kFloat, /*check=*/false);
  return encoder->encode(picture)[0].cpu();
}

// What PyTorch counts in `model.image_encoder.parameters()`, of segment_anything's models and of mobile_sam's
// (there without the classifier's head that it has and no one uses: 321,640).
void check_sizes(Report& report) {
  constexpr std::pair<const char*, int64_t> kCounts[] = {
      {"ViT-B", 89'670'912}, {"ViT-L", 308'278'272}, {"ViT-H", 637'026'048}, {"TinyViT", 5'743'892}};
  for (const auto& [name, expected] : kCounts) {
    int64_t count = 0;
    for (const auto& [tensor, shape] : encoder_shapes(name))
      if (tensor.find("running_") == std::string::npos) count += c10::multiply_integers(shape);
    report.check(std::string("vit/parameters-of-") + name, static_cast<double>(std::abs(count - expected)),
                 0);
  }
}

}  // namespace

void check_vit(const Context& context) {
  const at::NoGradGuard no_grad;
  check_sizes(*context.report);
  const at::Tensor pixels = synthetic_picture();
  context.report->check(
      "vit/picture",
      difference(pixels.flatten().slice(0, 0, pixels.numel(), 65537), context.at("vit/picture_sample")), 0);
  const at::Tensor picture = preprocess(pixels);
  const at::Tensor embedding = vit_embedding(context, /*meta_names=*/false, picture);
  const at::Tensor sample = embedding.flatten().slice(0, 0, embedding.numel(), kVitStride);
  const at::Tensor means = at::stack({embedding.mean({1, 2}), embedding.abs().mean({1, 2})}, -1);
  context.report->check("vit/embedding", difference(sample, context.at("vit/embedding")),
                        kEmbeddingTolerance);
  context.report->check("vit/means", difference(means, context.at("vit/embedding_means")),
                        kEmbeddingTolerance);
  const at::Tensor meta = vit_embedding(context, /*meta_names=*/true, picture);
  // The same weights: bit for bit on the CPU; a GPU may add up otherwise.
  context.report->check("vit/meta-names", difference(meta, embedding),
                        context.device.is_cpu() ? 0 : kEmbeddingTolerance);
  // An encoder that leaves out one of these gives what the fixture holds; ours must be far from it.
  for (const char* part : {"relative-positions", "absolute-positions", "padding"}) {
    const double distance = difference(sample, context.at(std::string("vit/without-") + part));
    context.report->check(std::string("vit/has-") + part, distance > 1000 * kEmbeddingTolerance ? 0 : 1, 0);
  }
}

void check_encoder_file(const Context& context) {
  if (context.encoder_path.empty()) return;
  const at::NoGradGuard no_grad;
  const auto encoder = load_encoder(context.encoder_path, context.device, at::kFloat, /*check=*/true);
  const at::Tensor picture = preprocess(drawn_picture(context.at("disks"))).to(context.device);
  const at::Tensor embedding = encoder->encode(picture);
  const bool good =
      embedding.sizes() == at::IntArrayRef({1, 256, 64, 64}) && embedding.isfinite().all().item<bool>();
  context.report->check("encoder/finite", good ? 0 : std::numeric_limits<double>::quiet_NaN(), 0);
  // The picture reaches the embedding: another one gives another.
  const at::Tensor other = encoder->encode(at::flip(picture, {3}));
  const double moved = difference(embedding, other) / embedding.std().item<double>();
  context.report->check("encoder/sees-the-picture", moved > 0.1 ? 0 : 1, 0);
}

}  // namespace sam::core_test
