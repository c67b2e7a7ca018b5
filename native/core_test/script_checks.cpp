// TorchScript on the device without a file from elsewhere: a TinyViT of drawn weights, built as everyone
// builds it, then exported, and the file opened again.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"
#include "core_test/drawn_encoder.h"
#include "core_test/machine.h"
#include "encoder/load_encoder.h"
#include "export/export_encoder.h"
#include "weights/image_encoders.h"
#include "weights/random_weights.h"

namespace sam::core_test {
namespace {

constexpr double kHalfScriptAngle =
    2e-2;  // 1 - cosine; of drawn weights, whose errors nothing has trained away
constexpr double kScriptDeviceAngle = 1e-5;

}  // namespace

void check_scripts(const Context& context) {
  const at::NoGradGuard no_grad;
  const at::Device device = context.device;
  const TemporaryFile weights, exported(".pt");
  write_random_weights(kTinyViTName, /*seed=*/1, weights.path());
  const at::Tensor pixels = drawn_pixels(device);
  const at::Tensor built = load_encoder(weights.path(), device, at::kFloat, false)->encode(pixels);
  context.report->check("script/finite", built.isfinite().all().item<bool>() ? 0 : 1, 0);
  if (device.is_cuda()) {
    const auto reference = load_encoder(weights.path(), at::kCPU, at::kFloat, false);
    context.report->check("script/of-the-cpu", angle(built, reference->encode(pixels.cpu())),
                          kScriptDeviceAngle);
  }
  context.report->attempt("script/exported", [&] {
    export_encoder(weights.path(), exported.path());
    const auto opened = load_encoder(exported.path(), device, at::kFloat, /*check=*/true);
    context.report->check("script/exported", angle(opened->encode(pixels), built), kScriptDeviceAngle);
  });
  for (const auto& [label, type] : half_types(device))
    context.report->attempt(std::string("script/") + label, [&, label = label, type = type] {
      for (const auto& [kind, path] : {std::pair("built-", weights.path()), {"exported-", exported.path()}}) {
        const at::Tensor reduced = load_encoder(path, device, type, false)->encode(pixels);
        context.report->check(std::string("script/") + kind + label, angle(reduced, built), kHalfScriptAngle);
      }
    });
}

}  // namespace sam::core_test
