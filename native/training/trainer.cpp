#include "training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>
#include <c10/core/DeviceGuard.h>

#include <cmath>
#include <limits>

#include "error.h"
#include "weights/load_sam.h"

namespace sam {
namespace {

constexpr const char* kHypernetworks = "output_hypernetworks_mlps.";
constexpr const char* kKeyBias = "k_proj.bias";
constexpr const char* kState = "optimizer.";
constexpr const char* kScale = "optimizer.loss_scale";  // scale, good steps
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> to_vector(const at::Tensor& x) {
  const at::Tensor values = x.detach().to(at::kCPU, at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

Target make_target(const Batch& batch) {
  const int64_t side = batch.targets.size(-1);
  const at::Tensor steps = at::arange(side, batch.valid.options());
  const at::Tensor rows = steps.unsqueeze(0) < batch.valid.select(1, 0).unsqueeze(1);     // B x S
  const at::Tensor columns = steps.unsqueeze(0) < batch.valid.select(1, 1).unsqueeze(1);  // B x S
  at::Tensor inside = rows.unsqueeze(2).logical_and(columns.unsqueeze(1));
  if (batch.labelled.defined()) inside = inside.logical_and(batch.labelled);
  const at::Tensor valid = inside.to(at::kFloat);
  const auto frame = [](const at::Tensor& x) { return x.unsqueeze(1).unsqueeze(1); };
  return {frame(batch.targets.to(at::kFloat) * valid), frame(valid)};
}

// B x P x C x 256 x 256 logits on the label's grid, where that is another one.
at::Tensor on_grid(const at::Tensor& logits, int64_t side) {
  if (side == logits.size(-1)) return logits;
  return at::upsample_bilinear2d(logits.flatten(0, 1), {side, side}, /*align_corners=*/false)
      .unflatten(0, {logits.size(0), logits.size(1)});
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Sam> sam, const TrainerOptions& options)
    : sam_(std::move(sam)),
      options_(options),
      parameters_(sam_->trainable()),
      optimizer_(parameters_, options.weight_decay),
      scaler_(sam_->compute_type == at::kHalf) {}

Masks Trainer::decode(const Batch& batch, const Prompts& prompts) {
  Masks masks = sam_->decode(batch.embeddings, prompts, options_.selection.output);
  masks.logits = on_grid(masks.logits, batch.targets.size(-1));
  return masks;
}

// Training takes each prompt's mask of least loss: B x P.
at::Tensor Trainer::choose_by_loss(const Masks& masks, const Target& target) {
  const at::NoGradGuard no_grad;
  return mask_losses(masks.logits.detach(), target, options_.loss).argmin(-1);
}

// Where only one prompt of each image will be learnt from, which that is takes no gradients: found without,
// the others never enter the graph. The gradients are the same.
Prompts Trainer::learnt_from(const Batch& batch, const Target& target) {
  if (options_.selection.multi_mask != MultiMask::kBest || batch.prompts.per_image == 1) return batch.prompts;
  const at::NoGradGuard no_grad;
  at::Tensor scores;
  if (options_.selection.output == MaskOutput::kSingle) {
    scores = sam_->predict_iou(batch.embeddings, batch.prompts, options_.selection.output).squeeze(-1);
  } else {
    const Masks masks = decode(batch, batch.prompts);
    scores = masks.iou_predictions.gather(-1, choose_by_loss(masks, target).unsqueeze(-1)).squeeze(-1);
  }
  return take_prompt(batch.prompts, best_prompt(scores, batch.prompts.present));
}

Trainer::Evaluated Trainer::evaluate(const Batch& batch, bool training) {
  RECORD_USER_SCOPE("forward");
  const Target target = make_target(batch);
  const Prompts prompts = training ? learnt_from(batch, target) : batch.prompts;
  const Masks masks = decode(batch, prompts);
  const at::Tensor choice = training ? choose_by_loss(masks, target) : choose_by_prediction(masks);
  const Selected selected = select_masks(masks, choice, prompts.present, options_.selection.multi_mask);
  const at::Tensor logits = selected.logits.unsqueeze(1).unsqueeze(1);
  at::Tensor losses = mask_losses(logits, target, options_.loss).flatten();
  if (options_.loss.iou != 0) {
    // Every mask of the prompts that took part teaches the IoU head: prediction will choose among all of
    // them.
    const at::Tensor error =
        (masks.iou_predictions - mask_ious(masks.logits.detach(), target)).square().mean(-1);
    const at::Tensor weight = selected.candidates.to(at::kFloat);
    losses = losses + options_.loss.iou * (error * weight).sum(1) / weight.sum(1).clamp_min(1);
  }
  return {losses, mask_ious(logits.detach(), target).flatten()};
}

StepResult Trainer::step(const Batch& batch, const StepOptions& options) {
  const c10::OptionalDeviceGuard here(sam_->device);
  const at::AutoGradMode with_gradients(true);
  const Evaluated evaluated = evaluate(batch, /*training=*/true);
  try {
    RECORD_USER_SCOPE("backward");
    (evaluated.losses.mean() * (options.scale * scaler_.scale())).backward();
  } catch (...) {
    optimizer_.zero_grad();  // half a backward pass
    throw;
  }
  fill_unused();
  // Losses and norm are read at once: each read waits for the GPU.
  at::Tensor numbers = evaluated.losses.detach().to(at::kDouble);
  if (options.update) numbers = at::cat({numbers, gradient_norm().reshape({1})});
  StepResult result{0, to_vector(numbers), kNaN};
  if (options.update) {
    result.gradient_norm = result.losses.back();
    result.losses.pop_back();
  }
  result.loss = mean(result.losses);
  if (!std::isfinite(result.loss)) {
    optimizer_.zero_grad();
    return result;
  }
  if (!options.update) return result;
  update(options, result.gradient_norm);
  if (std::isfinite(result.gradient_norm)) return result;
  // Overflow is part of life in fp16, and the next scale is lower. Elsewhere it is the end.
  result.skipped = scaler_.enabled();
  if (!result.skipped || scaler_.hopeless()) result.loss = kNaN;
  return result;
}

// The hypernetworks of masks that nobody asked for didn't run, nor the key projections' biases, which softmax
// takes away. In the reference they do, and their gradients of zero let weight decay reach them.
void Trainer::fill_unused() {
  for (auto& [name, tensor] : parameters_)
    if (!tensor.grad().defined() &&
        (name.find(kHypernetworks) != std::string::npos || name.ends_with(kKeyBias)))
      tensor.mutable_grad() = at::zeros_like(tensor);
}

std::vector<at::Tensor> Trainer::gradients() const {
  std::vector<at::Tensor> all;
  for (const auto& [name, tensor] : parameters_)
    if (tensor.grad().defined()) all.push_back(tensor.grad());
  return all;
}

// Takes the scaler's factor out of the gradients first.
at::Tensor Trainer::gradient_norm() {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> all = gradients();
  if (scaler_.enabled()) at::_foreach_div_(all, scaler_.scale());
  return at::stack(at::_foreach_norm(all)).to(at::kDouble).norm();
}

void Trainer::update(const StepOptions& options, double norm) {
  RECORD_USER_SCOPE("optimizer");
  const at::NoGradGuard no_grad;
  const double limit = options.clip_grad_norm.value_or(std::numeric_limits<double>::infinity());
  const bool finite = std::isfinite(norm);
  if (finite) {
    // torch.nn.utils.clip_grad_norm_: gradients * min(1, limit / (norm + 1e-6))
    if (limit < norm + 1e-6) at::_foreach_mul_(gradients(), limit / (norm + 1e-6));
    optimizer_.step(options.learning_rate);
  }
  scaler_.update(finite);
  optimizer_.zero_grad();
}

ValidationResult Trainer::validate(const Batch& batch) {
  const c10::OptionalDeviceGuard here(sam_->device);
  const at::NoGradGuard no_grad;
  const Evaluated evaluated = evaluate(batch, /*training=*/false);
  return {to_vector(evaluated.losses), to_vector(evaluated.ious)};
}

void Trainer::save(const std::string& path, const Metadata& metadata) const {
  StateDict tensors = optimizer_.state();
  for (const auto& [name, tensor] : parameters_) tensors[name] = tensor;
  if (scaler_.enabled())
    tensors[kScale] = at::tensor({scaler_.scale(), static_cast<double>(scaler_.good_steps())}, at::kDouble);
  write_safetensors(path, tensors, metadata);
}

void Trainer::restore(const std::string& path) {
  auto file = open_weights(path);
  StateDict state;
  for (const auto& [name, info] : file->tensors())
    if (name.starts_with(kState)) state[name] = file->read(name);
  AdamW optimizer(parameters_, options_.weight_decay);
  optimizer.restore(state, path);
  const LossScaler scaler = restored_scaler(state, path);
  ModelWeights weights(path, std::move(file));
  load_parts(*sam_, weights, {kMaskDecoderPart});
  optimizer_ = std::move(optimizer);
  scaler_ = scaler;
  optimizer_.zero_grad();
}

// As saved, or a new one where nothing was.
LossScaler Trainer::restored_scaler(const StateDict& state, const std::string& path) const {
  LossScaler scaler(scaler_.enabled());
  const auto found = state.find(kScale);
  if (!scaler.enabled() || found == state.end()) return scaler;
  const std::vector<double> values = to_vector(found->second);
  if (values.size() != 2 || !std::isfinite(values[0]) || values[0] <= 0 ||
      !(values[1] >= 0 && values[1] < 1e9))
    throw Error("SAM_BAD_CHECKPOINT",
                path + " cannot be resumed: " + kScale + " is not a scale and a number of steps");
  scaler.restore(values[0], static_cast<int64_t>(values[1]));
  return scaler;
}

}  // namespace sam
