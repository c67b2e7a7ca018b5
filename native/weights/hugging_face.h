// A model as transformers' SamModel reads it.
#pragma once

#include <string>

namespace sam {

// Writes all parts of `weights` to one safetensors file under Hugging Face's names, fp32; the mask decoder
// comes from `decoder` if that is given. One tensor at a time. Throws SAM_BAD_CHECKPOINT where a part is
// missing or the image encoder is not a ViT, as load_sam, and SAM_IO.
void export_hugging_face(const std::string& weights, const std::string& decoder, const std::string& output);

}  // namespace sam
