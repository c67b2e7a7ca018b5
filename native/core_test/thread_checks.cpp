// Two threads on one device, as the addon's lanes are: one encodes, the other copies to the host and decodes.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <future>

#include "core_test/checks.h"
#include "core_test/drawn_encoder.h"

namespace sam::core_test {

void check_threads(const Context& context) {
  const at::NoGradGuard no_grad;
  const int rounds = context.device.is_cpu() ? 2 : 20;
  const auto sam = context.load();
  const auto encoder = load_weights(random_vit_weights(context.vit_parameters, /*meta_names=*/false),
                                    context.device, at::kFloat);
  const at::Tensor pixels = drawn_pixels(context.device), embedding = context.embeddings.narrow(0, 0, 1);
  const Prompts prompts = context.prompts("points", 0, 1);
  const auto encode = [&] { return encoder->encode(pixels).cpu(); };
  const auto decode = [&] { return sam->decode(embedding, prompts, MaskOutput::kMulti).logits.cpu(); };

  const at::Tensor encoded = encode(), decoded = decode();
  // The largest difference from what came out alone.
  const auto repeat = [&](const auto& work, const at::Tensor& alone) {
    const at::NoGradGuard own_no_grad;
    double most = 0;
    for (int round = 0; round < rounds; ++round) {
      const double now = difference(work(), alone);
      if (!(now <= most)) most = now;
    }
    return most;
  };
  auto encoding = std::async(std::launch::async, [&] { return repeat(encode, encoded); });
  const double decoding = repeat(decode, decoded);
  context.report->check("threads/encoding", encoding.get(), kEmbeddingTolerance);
  context.report->check("threads/decoding", decoding, 1e-3);
}

}  // namespace sam::core_test
