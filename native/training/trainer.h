// One optimisation step of the mask decoder: forward, loss, backward, clip, AdamW.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/sam.h"
#include "model/selection.h"
#include "storage/safetensors.h"
#include "training/adamw.h"
#include "training/loss_scaler.h"
#include "training/losses.h"

namespace sam {

struct TrainerOptions {
  double weight_decay = 2e-4;
  LossWeights loss;
  Selection selection;
};

struct Batch {
  at::Tensor embeddings;  // B x 256 x 64 x 64
  Prompts prompts;
  at::Tensor targets;   // B x S x S, uint8, 0 or 1
  at::Tensor valid;     // B x 2, int64: rows and columns inside the picture
  at::Tensor labelled;  // B x S x S, uint8: 0 where there is no label; undefined: labels everywhere
};

struct StepOptions {
  double learning_rate = 0;
  bool update = true;
  double scale = 1;  // of the loss: 1 / accumulated batches
  std::optional<double> clip_grad_norm = std::nullopt;
};

struct StepResult {
  double loss = 0;  // mean of `losses`; not finite: no weight was changed, and gathered gradients are gone
  std::vector<double> losses;  // B
  double gradient_norm = 0;    // before clipping; NaN without an update
  bool skipped = false;        // gradients overflowed in fp16, and changed nothing but the scale
};

struct ValidationResult {
  std::vector<double> losses, ious;  // B each
};

class Trainer {
 public:
  Trainer(std::shared_ptr<Sam> sam, const TrainerOptions& options);

  StepResult step(const Batch& batch, const StepOptions& options);
  ValidationResult validate(const Batch& batch);

  // The decoder and `optimizer.*`. Only between updates: gradients in the making are not part of it.
  void save(const std::string& path, const Metadata& metadata) const;
  // What `save` wrote. SAM_BAD_CHECKPOINT: it does not fit; then nothing has changed.
  void restore(const std::string& path);

 private:
  // Per-image losses; training takes each prompt's mask of least loss, validation that of highest predicted
  // IoU.
  struct Evaluated {
    at::Tensor losses, ious;  // B
  };
  Evaluated evaluate(const Batch& batch, bool training);
  Masks decode(const Batch& batch, const Prompts& prompts);
  Prompts learnt_from(const Batch& batch, const Target& target);
  at::Tensor choose_by_loss(const Masks& masks, const Target& target);
  void fill_unused();
  std::vector<at::Tensor> gradients() const;
  at::Tensor gradient_norm();
  void update(const StepOptions& options, double norm);
  LossScaler restored_scaler(const StateDict& state, const std::string& path) const;

  std::shared_ptr<Sam> sam_;
  TrainerOptions options_;
  AdamW::Parameters parameters_;
  AdamW optimizer_;
  LossScaler scaler_;
};

}  // namespace sam
