// Weights, embeddings and masks that scripts/reference_model.py makes in Python, made again: `at::rand` gives
// the same bits as `torch.rand`, so that the fixtures need not hold them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/safetensors.h"

namespace sam::core_test {

struct Parameter {
  std::string name, meta_name;
  std::vector<int64_t> shape;
};

// Lines of `name meta_name dim dim …`, sorted by name.
std::vector<Parameter> parse_parameters(const std::string& lines);

// Every parameter of prompt encoder and mask decoder, random, under either scheme's names.
// `quiet_self_attention` shrinks what the first layer norm sees by 2^-8, where its epsilon decides the
// result.
StateDict random_weights(const std::vector<Parameter>& parameters, bool meta_names,
                         bool quiet_self_attention);

// Every parameter of the fixtures' tiny ViT (scripts/reference_vit.py), under either scheme's names.
StateDict random_vit_weights(const std::vector<Parameter>& parameters, bool meta_names);

// 1024 x 1024 x 3, uint8.
at::Tensor synthetic_picture();

// disks: n x 3 (x, y, radius) -> n x 256 x 256, 0 or 1, fp32.
at::Tensor disk_masks(const at::Tensor& disks);

// n x 256 x 64 x 64: noise, and in 64 of the channels the disk.
at::Tensor synthetic_embeddings(const at::Tensor& disks);

// count x 256 x 256 logits.
at::Tensor synthetic_mask_prompts(int64_t seed, int64_t count);

}  // namespace sam::core_test
