// How the masks of one image's prompts become one mask (the design, "Meaning of the prompts").
#pragma once

#include <ATen/core/Tensor.h>

#include "model/mask_decoder.h"

namespace sam {

enum class MultiMask { kBest, kMean };

struct Selection {
  MaskOutput output = MaskOutput::kMulti;
  MultiMask multi_mask = MultiMask::kBest;
};

// One of each prompt's C masks, then one over the P prompts.
struct Selected {
  at::Tensor logits;      // B x 256 x 256
  at::Tensor scores;      // B, the predicted IoU of the mask taken; for `mean` the mean over the prompts
  at::Tensor candidates;  // B x P, bool: the prompts whose masks took part
};

// One of each prompt's C masks, B x P x 256 x 256, and its predicted IoU, B x P. `choice`: B x P, which.
Masks choose_masks(const Masks& masks, const at::Tensor& choice);

// `choice`: B x P, which of the C masks each prompt takes. `present`: B x P bool, or undefined where all
// prompts are.
Selected select_masks(const Masks& masks, const at::Tensor& choice, const at::Tensor& present,
                      MultiMask multi_mask);

// B: the prompt whose mask `best` takes, by the predicted IoU (B x P) of each one's.
at::Tensor best_prompt(const at::Tensor& scores, const at::Tensor& present);

// One prompt of each image: P = 1. `index`: B.
Prompts take_prompt(const Prompts& prompts, const at::Tensor& index);

// B x P: the mask of highest predicted IoU, as prediction takes it.
at::Tensor choose_by_prediction(const Masks& masks);

}  // namespace sam
