#include "core_test/drawn_encoder.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "core_test/checks.h"
#include "encoder/load_encoder.h"
#include "encoder/preprocess.h"
#include "weights/random_weights.h"

namespace sam::core_test {

ViTConfig block_pair(int64_t head_depth, at::Device device) {
  const int64_t heads = device.is_cpu() ? 2 : head_depth == 80 ? 16 : 12;
  const int64_t dim = heads * head_depth;
  return {dim, heads, 4 * dim, {14, kEmbeddingSize}};
}

StateDict drawn_weights(const ViTConfig& config, double amplitude) {
  const at::Generator generator = at::detail::createCPUGenerator(/*seed=*/3);
  StateDict weights;
  for (const auto& [name, shape] : vit_shapes(config))
    weights[name] = random_parameter(name, shape, generator);
  weights["vision_encoder.pos_embed"].mul_(amplitude);
  return weights;
}

std::unique_ptr<ImageEncoder> load_weights(const StateDict& weights, at::Device device,
                                           at::ScalarType dtype) {
  const TemporaryFile file;
  write_safetensors(file.path(), weights);
  return load_encoder(file.path(), device, dtype, /*check=*/false);
}

at::Tensor drawn_pixels(at::Device device) { return preprocess(synthetic_picture()).to(device); }

}  // namespace sam::core_test
