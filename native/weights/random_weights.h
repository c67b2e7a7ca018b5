// Weights of the right names and shapes with random values, where no checkpoint is at hand: for timings,
// whose results don't depend on values, and for tests.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace sam {

// One parameter, fp32, drawn such that a layer gives numbers of the size of those that it takes. The name
// (Hugging Face's, or MobileSAM's of a TinyViT) tells norms, biases and what attention multiplies by.
at::Tensor random_parameter(const std::string& name, at::IntArrayRef shape, const at::Generator& generator);

// Writes a whole model, with an image encoder of image_encoders.h, to one safetensors file, one tensor at a
// time: in Hugging Face's names, or in Meta's for a TinyViT, which has no others. The same seed gives the
// same bytes. Throws SAM_BAD_ARGUMENT for another encoder, and SAM_IO.
void write_random_weights(const std::string& encoder, uint64_t seed, const std::string& output);

}  // namespace sam
