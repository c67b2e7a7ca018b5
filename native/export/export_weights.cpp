#include "export/export_weights.h"

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <vector>

#include "error.h"
#include "export/pth_writer.h"
#include "storage/safetensors.h"
#include "weights/image_encoders.h"
#include "weights/load_sam.h"
#include "weights/model_weights.h"
#include "weights/tiny_vit_weights.h"

namespace sam {
namespace {

// A tensor to be written: where it comes from, and its name there. What is not there is zeros.
struct Source {
  ModelWeights* weights;
  std::string name;
  std::vector<int64_t> shape;

  at::Tensor read() const {
    const auto* found = weights->shape(name);
    return found && *found == shape ? weights->read(name) : at::zeros(shape);
  }
};

using Sources = std::map<std::string, Source>;  // by the name that is written

// The name, or the two of the positional matrix, which transformers keeps twice.
std::vector<std::string> written_names(const std::string& name, NameScheme names) {
  std::vector<std::string> written{stored_name(name, names)};
  if (name == kPositions && names == NameScheme::kHuggingFace)
    written.push_back("shared_image_embedding.positional_embedding");
  return written;
}

// TinyViT's classifier of ImageNet.
Shapes classifier_shapes() {
  constexpr int64_t kDim = kTinyViTStages.back().dim, kClasses = 1000;
  return {{"image_encoder.norm_head.weight", {kDim}},
          {"image_encoder.norm_head.bias", {kDim}},
          {"image_encoder.head.weight", {kClasses, kDim}},
          {"image_encoder.head.bias", {kClasses}}};
}

void add_vit(Sources& tensors, ModelWeights& weights, const ViTConfig& vit, NameScheme names) {
  for (const auto& [name, shape] : vit_shapes(vit))
    tensors[stored_name(name, names)] = {&weights, name, shape};
}

void add_tiny_vit(Sources& tensors, ModelWeights& weights, NameScheme names) {
  if (names == NameScheme::kHuggingFace)
    throw Error("SAM_BAD_CHECKPOINT", weights.path() +
                                          " holds no ViT image encoder, and transformers' SamModel has no "
                                          "other: this model cannot be exported for it");
  Shapes shapes = tiny_vit_shapes();
  weights.require(shapes, {}, "its image encoder looks like MobileSAM's");
  shapes.merge(classifier_shapes());
  for (const auto& [name, shape] : shapes) tensors[name] = {&weights, name, shape};
}

void add_encoder(Sources& tensors, ModelWeights& weights, NameScheme names) {
  std::visit(Cases{[&](const ViTConfig& vit) { add_vit(tensors, weights, vit, names); },
                   [&](TinyViT) { add_tiny_vit(tensors, weights, names); }},
             require_buildable(weights));
}

void add_prompt_side(Sources& tensors, ModelWeights& weights, ModelWeights& decoder, NameScheme names) {
  Shapes of_decoder, of_weights;
  for (const auto& [name, shape] : prompt_side_shapes()) {
    const bool decodes = name.starts_with(kMaskDecoderPart);
    (decodes ? of_decoder : of_weights)[name] = shape;
    for (const std::string& written : written_names(name, names))
      tensors[written] = {decodes ? &decoder : &weights, name, shape};
  }
  weights.require(of_weights, {}, "");
  decoder.require(of_decoder, {}, "");
}

template <typename Writer>
void append_all(Writer& writer, const Sources& tensors) {
  for (const auto& [name, source] : tensors) writer.append(source.read());
  writer.commit();
}

void write(const Sources& tensors, const WeightsExport& wanted) {
  if (wanted.container == Container::kPth) {
    PthWriter writer(wanted.output);
    for (const auto& [name, source] : tensors) writer.declare(name, source.shape);
    writer.begin();
    return append_all(writer, tensors);
  }
  SafetensorsWriter writer(wanted.output);
  for (const auto& [name, source] : tensors) writer.declare(name, at::kFloat, source.shape);
  writer.begin({{"format", "pt"}});  // transformers wants to be told
  append_all(writer, tensors);
}

}  // namespace

void export_weights(const WeightsExport& wanted) {
  const auto open = [&](const std::string& path) {
    return ModelWeights(path.empty() ? wanted.weights : path);
  };
  ModelWeights weights = open(wanted.weights), encoder = open(wanted.encoder), decoder = open(wanted.decoder);
  Sources tensors;
  if (wanted.with_encoder) add_encoder(tensors, encoder, wanted.names);
  add_prompt_side(tensors, weights, decoder, wanted.names);
  write(tensors, wanted);
}

}  // namespace sam
