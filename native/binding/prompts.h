// PromptBatch, Selection and TrainingBatch of binding.d.ts to the core's own types.
#pragma once

#include <initializer_list>

#include "binding/arguments.h"
#include "model/prompt_encoder.h"
#include "model/selection.h"
#include "training/trainer.h"

namespace sam::binding {

// Number of the word that stands under `key`; an error that names them all for any other.
size_t read_choice(const Arguments& from, const char* key, std::initializer_list<const char*> words);

Prompts read_prompts(const Arguments& batch);
MaskOutput read_mask_output(const Arguments& from);
Selection read_selection(const Arguments& from);

// `fp32`, `bf16` or `fp16`.
at::ScalarType read_precision(const Arguments& from);

// `cpu`, `cuda` or `cuda:N`; SAM_NO_CUDA where there is no such GPU.
at::Device read_device(const Arguments& from);

// What goes to the device that computes, at the start of a task (move_together).
std::vector<at::Tensor*> tensors_of(Prompts& prompts);

// fp32, whatever they are kept in: half the bytes cross, and the device converts them.
at::Tensor embeddings_on_device(const at::Tensor& embeddings, at::Device device);

}  // namespace sam::binding
