#include "core_test/synthetic.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <sstream>

#include "weights/random_weights.h"

namespace sam::core_test {
namespace {

constexpr uint64_t kWeightSeed = 20261124;
constexpr uint64_t kEmbeddingSeed = 7;
constexpr uint64_t kVisionSeed = 20261125;
constexpr uint64_t kPictureSeed = 9;
constexpr const char* kFirstAttention = "transformer.layers.0.self_attn.out_proj";

at::Tensor uniform(at::IntArrayRef shape, const at::Generator& generator, double amplitude) {
  return (at::rand(shape, generator) - 0.5) * (2 * amplitude);
}

}  // namespace

std::vector<Parameter> parse_parameters(const std::string& lines) {
  std::vector<Parameter> parameters;
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    Parameter parameter;
    words >> parameter.name >> parameter.meta_name;
    for (int64_t dim; words >> dim;) parameter.shape.push_back(dim);
    parameters.push_back(parameter);
  }
  return parameters;
}

StateDict random_weights(const std::vector<Parameter>& parameters, bool meta_names,
                         bool quiet_self_attention) {
  const at::Generator generator = at::detail::createCPUGenerator(kWeightSeed);
  StateDict weights;
  for (const Parameter& parameter : parameters) {
    at::Tensor value = random_parameter(parameter.name, parameter.shape, generator);
    if (quiet_self_attention && parameter.name.find(kFirstAttention) != std::string::npos)
      value = value * std::ldexp(1.0, -8);
    weights[meta_names ? parameter.meta_name : parameter.name] = value;
  }
  return weights;
}

StateDict random_vit_weights(const std::vector<Parameter>& parameters, bool meta_names) {
  const at::Generator generator = at::detail::createCPUGenerator(kVisionSeed);
  StateDict weights;
  for (const Parameter& parameter : parameters)
    weights[meta_names ? parameter.meta_name : parameter.name] =
        random_parameter(parameter.name, parameter.shape, generator);
  return weights;
}

at::Tensor synthetic_picture() {
  const at::Generator generator = at::detail::createCPUGenerator(kPictureSeed);
  const at::Tensor coarse =
      at::rand({32, 32, 3}, generator).repeat_interleave(32, 0).repeat_interleave(32, 1);
  return (coarse * 200 + at::rand({1024, 1024, 3}, generator) * 55).to(at::kByte);
}

at::Tensor disk_masks(const at::Tensor& disks) {
  const at::Tensor steps = at::arange(256, at::kLong);
  const auto part = [&](int64_t i) { return disks.select(1, i).reshape({-1, 1, 1}); };
  const at::Tensor dx = steps.reshape({1, 1, -1}) - part(0);
  const at::Tensor dy = steps.reshape({1, -1, 1}) - part(1);
  return (dx * dx + dy * dy < part(2) * part(2)).to(at::kFloat);
}

at::Tensor synthetic_embeddings(const at::Tensor& disks) {
  const at::Generator generator = at::detail::createCPUGenerator(kEmbeddingSeed);
  const int64_t n = disks.size(0);
  const at::Tensor coarse = uniform({n, 256, 8, 8}, generator, 1.0);
  const at::Tensor fine = uniform({n, 256, 64, 64}, generator, 0.5);
  at::Tensor embeddings = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3) + fine;
  embeddings.slice(1, 0, 64).add_(disk_masks(disks).unsqueeze(1).slice(2, 2, 256, 4).slice(3, 2, 256, 4));
  return embeddings;
}

at::Tensor synthetic_mask_prompts(int64_t seed, int64_t count) {
  return uniform({count, 1, 256, 256}, at::detail::createCPUGenerator(static_cast<uint64_t>(seed)), 8.0)
      .squeeze(1);
}

}  // namespace sam::core_test
