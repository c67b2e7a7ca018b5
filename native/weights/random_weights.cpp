#include "weights/random_weights.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "storage/safetensors.h"
#include "weights/image_encoders.h"
#include "weights/load_sam.h"

namespace sam {
namespace {

constexpr double kAttentionGain = 6.0;
constexpr double kGain = 3.0;

at::Tensor uniform(at::IntArrayRef shape, const at::Generator& generator, double amplitude) {
  return (at::rand(shape, generator) - 0.5) * (2 * amplitude);
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

at::Tensor random_parameter(const std::string& name, at::IntArrayRef shape, const at::Generator& generator) {
  const bool norm_weight = shape.size() == 1 && name.ends_with("weight");
  if (norm_weight || name.ends_with("running_var")) return uniform(shape, generator, 0.25) + 1;
  if (name.ends_with("bias") || name.ends_with("running_mean")) return uniform(shape, generator, 0.125);
  if (shape[0] <= 2 || contains(name, "mask_tokens")) return uniform(shape, generator, 1.0);
  // A transposed convolution with stride 2 has its inputs first.
  int64_t fan_in = contains(name, "upscale_conv") ? shape[0] : 1;
  if (fan_in == 1)
    for (size_t i = 1; i < shape.size(); ++i) fan_in *= shape[i];
  const double gain = contains(name, "q_proj") || contains(name, "k_proj") ? kAttentionGain : kGain;
  return uniform(shape, generator, 1.0) * std::pow(gain / static_cast<double>(fan_in), 0.5);
}

void write_random_weights(const std::string& encoder, uint64_t seed, const std::string& output) {
  const at::NoGradGuard no_grad;
  Shapes shapes = encoder_shapes(encoder);
  shapes.merge(prompt_side_shapes());
  const NameScheme scheme = encoder == kTinyViTName ? NameScheme::kMeta : NameScheme::kHuggingFace;
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  SafetensorsWriter writer(output);
  for (const auto& [name, shape] : shapes) writer.declare(stored_name(name, scheme), at::kFloat, shape);
  writer.begin({{"format", "pt"}});
  for (const auto& [name, shape] : shapes) writer.append(random_parameter(name, shape, generator));
  writer.commit();
}

}  // namespace sam
