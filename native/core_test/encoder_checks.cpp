// A TorchScript encoder on a drawn picture.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>

#include "core_test/checks.h"
#include "encoder/preprocess.h"
#include "encoder/torchscript_encoder.h"

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

}  // namespace

void check_encoder(const Context& context, const std::string& path) {
  const at::NoGradGuard no_grad;
  const auto encoder = load_encoder(path, context.device, at::kFloat, /*check=*/true);
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
