// Weights come in Hugging Face's names or in Meta's. The scheme is told once, from the whole file: ten keys
// mean different things in the two (`…layers.0.weight` of a hypernetwork is Meta's first layer, Hugging
// Face's middle one).
#pragma once

#include <string>

#include "storage/safetensors.h"

namespace sam {

enum class NameScheme { kHuggingFace, kMeta };

// From the keys alone. Throws SAM_BAD_CHECKPOINT where neither scheme's mask decoder is there.
NameScheme detect_scheme(const StateDict& weights, const std::string& path);

// `mask_decoder.transformer.layers.0.norm1.weight` -> `mask_decoder.transformer.layers.0.layer_norm1.weight`,
// and so on for the prompt encoder and the mask decoder; other names are returned unchanged.
std::string meta_to_hugging_face(const std::string& name);

// Prompt encoder and mask decoder under Hugging Face's names, the rest left out. The positional matrix, which
// Hugging Face stores under either or both of two names, comes out as `prompt_encoder.positional_embedding`;
// two that differ are a SAM_BAD_CHECKPOINT.
StateDict canonical_names(const StateDict& weights, NameScheme scheme, const std::string& path);

}  // namespace sam
