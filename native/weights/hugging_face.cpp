#include "weights/hugging_face.h"

#include <vector>

#include "error.h"
#include "storage/safetensors.h"
#include "weights/load_sam.h"
#include "weights/model_weights.h"

namespace sam {
namespace {

struct Source {
  ModelWeights* weights;
  std::string name;  // canonical
};

// transformers keeps the positional matrix twice.
std::vector<std::string> written_names(const std::string& name) {
  if (name == kPositions)
    return {"prompt_encoder.shared_embedding.positional_embedding",
            "shared_image_embedding.positional_embedding"};
  return {name};
}

}  // namespace

void export_hugging_face(const std::string& path, const std::string& decoder_path,
                         const std::string& output) {
  ModelWeights weights(path);
  ModelWeights decoder(decoder_path.empty() ? path : decoder_path);
  if (!weights.has("vision_encoder."))
    throw Error("SAM_BAD_CHECKPOINT", path +
                                          " holds no ViT image encoder, and transformers' SamModel has no "
                                          "other: this model cannot be exported for it");
  const Shapes needed = prompt_side_shapes();
  std::map<std::string, Source> tensors;
  for (const std::string& name : weights.names("vision_encoder.")) tensors[name] = {&weights, name};
  for (const auto& [name, shape] : needed) {
    ModelWeights* from = name.starts_with(kMaskDecoderPart) ? &decoder : &weights;
    for (const std::string& written : written_names(name)) tensors[written] = {from, name};
  }
  SafetensorsWriter writer(output);
  for (const auto& [name, source] : tensors) {
    const auto* shape = source.weights->shape(source.name);
    if (!shape)
      throw Error("SAM_BAD_CHECKPOINT", source.weights->path() + " lacks the tensor " + source.name);
    writer.declare(name, at::kFloat, *shape);
  }
  writer.begin({{"format", "pt"}});  // transformers wants to be told
  for (const auto& [name, source] : tensors) writer.append(source.weights->read(source.name));
  writer.commit();
}

}  // namespace sam
