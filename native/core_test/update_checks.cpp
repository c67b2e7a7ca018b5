// What a step may be asked for beyond the reference's: bf16, a batch in parts, clipped gradients; and a run
// that goes on on another device.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "core_test/checks.h"

namespace sam::core_test {
namespace {

constexpr double kUpdateRate = 1e-3;
constexpr double kUpdateTolerance = 1e-3;

// All gradients of the trainable parameters as one vector.
at::Tensor gradients_of(const Sam& sam) {
  std::vector<at::Tensor> all;
  for (const auto& [name, parameter] : sam.trainable())
    if (parameter.grad().defined()) all.push_back(parameter.grad().flatten().to(at::kCPU, at::kDouble));
  return at::cat(all);
}

at::Tensor values_of(const Sam& sam) {
  std::vector<at::Tensor> all;
  for (const auto& [name, parameter] : sam.trainable())
    all.push_back(parameter.detach().flatten().to(at::kCPU, at::kDouble));
  return at::cat(all);
}

void check_bf16(const Context& context) {
  const auto sam = context.load();
  sam->compute_type = at::kBFloat16;
  Trainer trainer(sam, options_of(context, kLearning));
  const Batch batch = context.batches(kLearning)[0];
  const double first = trainer.step(batch, update_with(kUpdateRate)).loss;
  const double reference = context.at(std::string(kLearning) + "/losses")[0].item<double>();
  context.report->check("updates/bf16-loss", relative(first, reference), 1e-2);
  for (int step = 0; step < 3; ++step) trainer.step(batch, update_with(kUpdateRate));
  const double later = trainer.step(batch, update_with(kUpdateRate)).loss;
  context.report->check("updates/bf16-loss-falls", later < first ? 0 : 1, 0);
}

// Four images at once, and in two halves whose gradients add up.
void check_accumulation(const Context& context) {
  const auto whole = context.load(), parts = context.load();
  Trainer at_once(whole, options_of(context, kLearning)), in_parts(parts, options_of(context, kLearning));
  at_once.step(context.batch(kLearning, 0, 4), gradients_only());
  StepOptions half = gradients_only();
  half.scale = 0.5;
  for (const int64_t first : {0, 2}) in_parts.step(context.batch(kLearning, first, 2), half);
  const at::Tensor expected = gradients_of(*whole);
  const at::Tensor wrong = gradients_of(*parts) - expected;
  context.report->check("updates/accumulation", (wrong.norm() / expected.norm()).item<double>(),
                        kUpdateTolerance);
}

// AdamW's first moment after one step is a tenth of the gradients, which clipping has shortened.
void check_clipping(const Context& context) {
  constexpr double kLimit = 1e-3;
  const auto sam = context.load();
  Trainer trainer(sam, options_of(context, kLearning));
  StepOptions options = update_with(kUpdateRate);
  options.clip_grad_norm = kLimit;
  const double before = trainer.step(context.batch(kLearning, 0, 4), options).gradient_norm;
  context.report->check("updates/norm-before-clipping", before > 2 * kLimit ? 0 : 1, 0);
  const TemporaryFile file;
  trainer.save(file.path(), {});
  double squares = 0;
  for (const auto& [name, tensor] : read_safetensors(file.path()))
    if (name.starts_with("optimizer.exp_avg.")) squares += std::pow(tensor.norm().item<double>(), 2);
  context.report->check("updates/norm-after-clipping", relative(std::sqrt(squares) * 10, kLimit),
                        kUpdateTolerance);
}

// Two steps on one device, saved, restored on the other: the same there, and the third step is as here.
void check_move(const Context& from, const Context& to, const std::string& name) {
  const auto first = from.load(), second = to.load();
  Trainer here(first, options_of(from, kLearning)), there(second, options_of(to, kLearning));
  const std::vector<Batch> batches = from.batches(kLearning);
  for (const int64_t i : {0, 1}) here.step(batches[static_cast<size_t>(i)], update_with(kUpdateRate));
  const TemporaryFile file;
  here.save(file.path(), {});
  there.restore(file.path());
  from.report->check("moves/" + name + "/restored", difference(values_of(*second), values_of(*first)), 0);
  const double goes_on = here.step(batches[0], update_with(kUpdateRate)).loss;
  const double resumed = there.step(to.batches(kLearning)[0], update_with(kUpdateRate)).loss;
  from.report->check("moves/" + name + "/next-loss", relative(resumed, goes_on), kUpdateTolerance);
}

}  // namespace

void check_updates(const Context& context) {
  Report& report = *context.report;
  report.attempt("updates/bf16", [&] { check_bf16(context); });
  report.attempt("updates/accumulation", [&] { check_accumulation(context); });
  report.attempt("updates/clipping", [&] { check_clipping(context); });
}

void check_moves(const Context& context) {
  const Context host = moved(context, at::kCPU);
  Report& report = *context.report;
  report.attempt("moves/to-the-host", [&] { check_move(context, host, "to-the-host"); });
  if (context.device.is_cuda())
    report.attempt("moves/to-the-device", [&] { check_move(host, context, "to-the-device"); });
}

}  // namespace sam::core_test
