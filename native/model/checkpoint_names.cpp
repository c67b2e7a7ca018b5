#include "model/checkpoint_names.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <regex>
#include <string_view>
#include <vector>

#include "error.h"

namespace sam {
namespace {

constexpr std::string_view kPositions = "prompt_encoder.positional_embedding";
constexpr std::array<std::string_view, 3> kPositionSources = {
    "prompt_encoder.shared_embedding.positional_embedding",
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
};

struct Rule {
  std::regex meta;
  const char* hugging_face;
};

// research: segment_anything's modules against transformers' convert_sam_to_hf.py.
const std::vector<Rule>& rules() {
  static const std::vector<Rule> list = {
      {std::regex(R"(^(prompt_encoder\.)point_embeddings\.)"), "$1point_embed."},
      {std::regex(R"(^(prompt_encoder\.)mask_downscaling\.0\.)"), "$1mask_embed.conv1."},
      {std::regex(R"(^(prompt_encoder\.)mask_downscaling\.1\.)"), "$1mask_embed.layer_norm1."},
      {std::regex(R"(^(prompt_encoder\.)mask_downscaling\.3\.)"), "$1mask_embed.conv2."},
      {std::regex(R"(^(prompt_encoder\.)mask_downscaling\.4\.)"), "$1mask_embed.layer_norm2."},
      {std::regex(R"(^(prompt_encoder\.)mask_downscaling\.6\.)"), "$1mask_embed.conv3."},
      {std::regex(R"(^(mask_decoder\.transformer\.layers\.\d+\.)norm(\d)\.)"), "$1layer_norm$2."},
      {std::regex(R"(^(mask_decoder\.transformer\.)norm_final_attn\.)"), "$1layer_norm_final_attn."},
      {std::regex(R"(^(mask_decoder\.)output_upscaling\.0\.)"), "$1upscale_conv1."},
      {std::regex(R"(^(mask_decoder\.)output_upscaling\.1\.)"), "$1upscale_layer_norm."},
      {std::regex(R"(^(mask_decoder\.)output_upscaling\.3\.)"), "$1upscale_conv2."},
      {std::regex(R"(^(mask_decoder\.(output_hypernetworks_mlps\.\d|iou_prediction_head)\.)layers\.0\.)"),
       "$1proj_in."},
      {std::regex(R"(^(mask_decoder\.(output_hypernetworks_mlps\.\d|iou_prediction_head)\.)layers\.1\.)"),
       "$1layers.0."},
      {std::regex(R"(^(mask_decoder\.(output_hypernetworks_mlps\.\d|iou_prediction_head)\.)layers\.2\.)"),
       "$1proj_out."},
  };
  return list;
}

bool is_prompt_side(const std::string& name) {
  return name.starts_with("prompt_encoder.") || name.starts_with("mask_decoder.");
}

}  // namespace

NameScheme detect_scheme(const StateDict& weights, const std::string& path) {
  // `proj_in` and `upscale_conv1` exist in one scheme, `output_upscaling` in the other.
  if (weights.contains("mask_decoder.iou_prediction_head.proj_in.weight")) return NameScheme::kHuggingFace;
  if (weights.contains("mask_decoder.output_upscaling.0.weight")) return NameScheme::kMeta;
  std::string some;
  for (const auto& [name, tensor] : weights) {
    if (some.size() > 80) break;
    some += (some.empty() ? "" : ", ") + name;
  }
  throw Error("SAM_BAD_CHECKPOINT",
              path + " holds no SAM mask decoder under Hugging Face's or Meta's names (it has " +
                  (some.empty() ? "no tensors" : some + " …") + ")");
}

std::string meta_to_hugging_face(const std::string& name) {
  for (const Rule& rule : rules())
    if (std::regex_search(name, rule.meta)) return std::regex_replace(name, rule.meta, rule.hugging_face);
  return name;
}

StateDict canonical_names(const StateDict& weights, NameScheme scheme, const std::string& path) {
  StateDict out;
  for (const auto& [name, tensor] : weights) {
    if (std::find(kPositionSources.begin(), kPositionSources.end(), name) != kPositionSources.end()) {
      const auto [known, first] = out.emplace(kPositions, tensor);
      if (!first && !known->second.equal(tensor))
        throw Error("SAM_BAD_CHECKPOINT", path + " holds two positional matrices that differ");
    } else if (is_prompt_side(name)) {
      out[scheme == NameScheme::kMeta ? meta_to_hugging_face(name) : name] = tensor;
    }
  }
  return out;
}

}  // namespace sam
