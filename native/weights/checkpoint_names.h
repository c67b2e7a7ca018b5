// Weights come in Hugging Face's names or in Meta's, and often with a wrapper's prefix (`module.`, `model.`,
// `sam.` …). Both are told once, from the whole file: ten keys mean different things in the two schemes
// (`…layers.0.weight` of a hypernetwork is Meta's first layer, Hugging Face's middle one).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace sam {

enum class NameScheme { kHuggingFace, kMeta };

// The prompt encoder's fixed random matrix, which has three names in files.
inline constexpr const char* kPositions = "prompt_encoder.positional_embedding";

struct CheckpointNames {
  NameScheme scheme;
  // Hugging Face's name (kPositions for the positional matrix) -> the names in the file that hold it: one, or
  // two for the matrix. Only SAM's parts; an image encoder that is not a ViT keeps `image_encoder.` and its
  // own names.
  std::map<std::string, std::vector<std::string>> stored;
};

// `names`: all of a file's; `path` is for messages. Throws SAM_BAD_CHECKPOINT where they are of no part of
// SAM, of both schemes, or of two models under different prefixes.
CheckpointNames read_names(const std::vector<std::string>& names, const std::string& path);

// The name that a file of the scheme has for a tensor of Hugging Face's name (or kPositions).
std::string stored_name(const std::string& name, NameScheme scheme);

}  // namespace sam
