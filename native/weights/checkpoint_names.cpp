#include "weights/checkpoint_names.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "error.h"

namespace sam {
namespace {

constexpr std::array<std::string_view, 5> kParts = {"vision_encoder.", "image_encoder.", "prompt_encoder.",
                                                    "mask_decoder.", "shared_image_embedding."};
// Each is in every file of its scheme that holds the part it belongs to, and in none of the other's.
constexpr std::array<std::string_view, 5> kHuggingFaceMarks = {
    "vision_encoder.", "shared_image_embedding.", "prompt_encoder.shared_embedding.",
    "prompt_encoder.point_embed.", "mask_decoder.upscale_conv1."};
constexpr std::array<std::string_view, 4> kMetaMarks = {"image_encoder.", "prompt_encoder.pe_layer.",
                                                        "prompt_encoder.point_embeddings.",
                                                        "mask_decoder.output_upscaling."};
constexpr std::array<std::string_view, 3> kPositionSources = {
    "prompt_encoder.shared_embedding.positional_embedding",
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
};
// Every ViT has it, under Meta's name; other encoders that people put into SAM don't.
constexpr std::string_view kMetaViT = "image_encoder.patch_embed.proj.weight";

// How a name begins in either scheme; `#` stands for a number, the same in both. The first rule that fits is
// the one.
struct Rule {
  std::string_view meta, hugging_face;
};

// segment_anything's modules against transformers' convert_sam_to_hf.py.
constexpr Rule kPromptSideRules[] = {
    {"prompt_encoder.point_embeddings.", "prompt_encoder.point_embed."},
    {"prompt_encoder.mask_downscaling.0.", "prompt_encoder.mask_embed.conv1."},
    {"prompt_encoder.mask_downscaling.1.", "prompt_encoder.mask_embed.layer_norm1."},
    {"prompt_encoder.mask_downscaling.3.", "prompt_encoder.mask_embed.conv2."},
    {"prompt_encoder.mask_downscaling.4.", "prompt_encoder.mask_embed.layer_norm2."},
    {"prompt_encoder.mask_downscaling.6.", "prompt_encoder.mask_embed.conv3."},
    {"mask_decoder.transformer.layers.#.norm#.", "mask_decoder.transformer.layers.#.layer_norm#."},
    {"mask_decoder.transformer.norm_final_attn.", "mask_decoder.transformer.layer_norm_final_attn."},
    {"mask_decoder.output_upscaling.0.", "mask_decoder.upscale_conv1."},
    {"mask_decoder.output_upscaling.1.", "mask_decoder.upscale_layer_norm."},
    {"mask_decoder.output_upscaling.3.", "mask_decoder.upscale_conv2."},
    {"mask_decoder.output_hypernetworks_mlps.#.layers.0.",
     "mask_decoder.output_hypernetworks_mlps.#.proj_in."},
    {"mask_decoder.output_hypernetworks_mlps.#.layers.1.",
     "mask_decoder.output_hypernetworks_mlps.#.layers.0."},
    {"mask_decoder.output_hypernetworks_mlps.#.layers.2.",
     "mask_decoder.output_hypernetworks_mlps.#.proj_out."},
    {"mask_decoder.iou_prediction_head.layers.0.", "mask_decoder.iou_prediction_head.proj_in."},
    {"mask_decoder.iou_prediction_head.layers.1.", "mask_decoder.iou_prediction_head.layers.0."},
    {"mask_decoder.iou_prediction_head.layers.2.", "mask_decoder.iou_prediction_head.proj_out."},
};

constexpr Rule kViTRules[] = {
    {"image_encoder.patch_embed.proj.", "vision_encoder.patch_embed.projection."},
    {"image_encoder.blocks.#.norm#.", "vision_encoder.layers.#.layer_norm#."},
    {"image_encoder.blocks.", "vision_encoder.layers."},
    {"image_encoder.neck.0.", "vision_encoder.neck.conv1."},
    {"image_encoder.neck.1.", "vision_encoder.neck.layer_norm1."},
    {"image_encoder.neck.2.", "vision_encoder.neck.conv2."},
    {"image_encoder.neck.3.", "vision_encoder.neck.layer_norm2."},
    {"image_encoder.", "vision_encoder."},
};

// The name with its beginning as in `to`, if it begins as in `from`.
std::optional<std::string> begun_otherwise(std::string_view name, std::string_view from,
                                           std::string_view to) {
  std::vector<std::string_view> numbers;
  for (const char expected : from) {
    size_t length = 1;
    if (expected == '#') {
      length = std::min(name.find_first_not_of("0123456789"), name.size());
      numbers.push_back(name.substr(0, length));
    }
    const bool fits = expected == '#' ? length > 0 : name.starts_with(expected);
    if (!fits) return std::nullopt;
    name.remove_prefix(length);
  }
  std::string renamed;
  auto number = numbers.begin();
  for (const char part : to) part == '#' ? renamed += * number++ : renamed += part;
  return renamed.append(name);
}

template <size_t N>
std::string rename(const std::string& name, const Rule (&rules)[N], std::string_view Rule::* from,
                   std::string_view Rule::* to) {
  for (const Rule& rule : rules)
    if (auto renamed = begun_otherwise(name, rule.*from, rule.*to)) return *renamed;
  return name;
}

template <size_t N>
std::string to_hugging_face(const std::string& name, const Rule (&rules)[N]) {
  return rename(name, rules, &Rule::meta, &Rule::hugging_face);
}

// Where a part of SAM begins in the name, at a module's boundary. (Our own checkpoints keep the optimizer's
// state beside the decoder.)
size_t part_start(const std::string& name) {
  if (name.starts_with("optimizer.")) return std::string::npos;
  size_t first = std::string::npos;
  for (const std::string_view part : kParts) {
    const size_t at = name.find(part);
    if (at != std::string::npos && (at == 0 || name[at - 1] == '.')) first = std::min(first, at);
  }
  return first;
}

std::string some_of(const std::vector<std::string>& names) {
  std::string some;
  for (const std::string& name : names) {
    if (some.size() > 80) return some + " …";
    some += (some.empty() ? "" : ", ") + name;
  }
  return some.empty() ? "no tensors" : some;
}

// The names of SAM's parts without the prefix that they share -> as the file has them.
std::map<std::string, std::string> without_prefix(const std::vector<std::string>& names,
                                                  const std::string& path) {
  std::map<std::string, std::string> parts;
  std::set<std::string> prefixes;
  for (const std::string& name : names) {
    const size_t start = part_start(name);
    if (start == std::string::npos) continue;
    prefixes.insert(name.substr(0, start));
    parts[name.substr(start)] = name;
  }
  if (prefixes.size() > 1)
    throw Error("SAM_BAD_CHECKPOINT", path + " holds more than one model: tensors of SAM under '" +
                                          *prefixes.begin() + "' and under '" + *prefixes.rbegin() + "'");
  if (parts.empty())
    throw Error(
        "SAM_BAD_CHECKPOINT",
        path + " holds nothing of SAM under Hugging Face's or Meta's names (it has " + some_of(names) + ")");
  return parts;
}

template <size_t N>
std::string first_with(const std::map<std::string, std::string>& parts,
                       const std::array<std::string_view, N>& marks) {
  for (const auto& [name, stored] : parts)
    for (const std::string_view mark : marks)
      if (name.starts_with(mark)) return stored;
  return {};
}

NameScheme detect_scheme(const std::map<std::string, std::string>& parts, const std::string& path) {
  const std::string hugging_face = first_with(parts, kHuggingFaceMarks), meta = first_with(parts, kMetaMarks);
  if (!hugging_face.empty() && !meta.empty())
    throw Error("SAM_BAD_CHECKPOINT",
                path + " mixes Hugging Face's names (" + hugging_face + ") and Meta's (" + meta + ")");
  if (hugging_face.empty() && meta.empty())
    throw Error("SAM_BAD_CHECKPOINT",
                path + " does not tell whether its names are Hugging Face's or Meta's: it has only " +
                    parts.begin()->second + " and the like");
  return meta.empty() ? NameScheme::kHuggingFace : NameScheme::kMeta;
}

}  // namespace

CheckpointNames read_names(const std::vector<std::string>& names, const std::string& path) {
  const auto parts = without_prefix(names, path);
  CheckpointNames out{detect_scheme(parts, path), {}};
  const bool meta = out.scheme == NameScheme::kMeta, vit = parts.contains(std::string(kMetaViT));
  for (const auto& [name, stored] : parts) {
    std::string canonical = name;
    if (std::find(kPositionSources.begin(), kPositionSources.end(), name) != kPositionSources.end()) {
      canonical = kPositions;
    } else if (meta && name.starts_with("image_encoder.")) {
      if (vit) canonical = to_hugging_face(name, kViTRules);
    } else if (meta) {
      canonical = to_hugging_face(name, kPromptSideRules);
    }
    out.stored[canonical].push_back(stored);
  }
  return out;
}

std::string stored_name(const std::string& name, NameScheme scheme) {
  const bool meta = scheme == NameScheme::kMeta;
  if (name == kPositions || name == kPositionSources.front())
    return std::string(meta ? kPositionSources.back() : kPositionSources.front());
  if (!meta) return name;
  const bool vit = name.starts_with("vision_encoder.");
  return vit ? rename(name, kViTRules, &Rule::hugging_face, &Rule::meta)
             : rename(name, kPromptSideRules, &Rule::hugging_face, &Rule::meta);
}

}  // namespace sam
