// Gradients and AdamW steps against PyTorch, and that a resumed run goes on as if nothing had happened.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "core_test/checks.h"

namespace sam::core_test {
namespace {

constexpr double kLearningRate = 1e-3;
constexpr double kRelativeTolerance = 1e-3;
constexpr double kCosineTolerance = 1e-3;  // 1 - cosine
constexpr double kHalfTolerance = 1e-2;    // of fp16, relative
constexpr int64_t kSamples = 256;          // as scripts/reference_training.py

using Named = std::vector<std::pair<std::string, at::Tensor>>;

at::Tensor sample(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kCPU).flatten();
  const int64_t stride = std::max<int64_t>(1, flat.numel() / kSamples) | 1;
  return flat.slice(0, 0, flat.numel(), stride).slice(0, 0, kSamples);
}

double length(const at::Tensor& x) { return x.to(at::kCPU, at::kDouble).norm().item<double>(); }

// The largest; NaN if one is NaN (a tensor that did not move has no direction).
double worst(const std::vector<double>& values) {
  for (const double value : values)
    if (std::isnan(value)) return value;
  return *std::max_element(values.begin(), values.end());
}

// A key projection's bias adds one number to all of a query's attention logits, which softmax takes away: its
// gradient is zero but for rounding, and AdamW's division makes full steps of that noise. PyTorch differs
// there from itself.
bool is_noise(const std::string& name) { return name.ends_with("k_proj.bias"); }

// Reference of one kind ("gradient" or "change") for one tensor; undefined where it has none.
struct Reference {
  at::Tensor values;  // a sample
  double norm = 0;    // of the whole tensor
};
Reference reference_of(const Context& context, const std::string& run, const std::string& kind,
                       const std::string& name) {
  const std::string prefix = run + "/" + kind;
  if (!context.has(prefix + "/" + name)) return {};
  return {context.at(prefix + "/" + name), context.at(prefix + "-norm/" + name).item<double>()};
}

// What holds on the CPU, and on a GPU, which adds up in another order, may not without a fault.
void exact(const Context& context, const std::string& name, double worst, double tolerance) {
  if (context.device.is_cpu())
    context.report->check(name, worst, tolerance);
  else
    context.report->note(name, worst, tolerance);
}

void check_gradients(const Context& context, const std::string& run) {
  const auto sam = context.load();
  Trainer trainer(sam, options_of(context, run));
  trainer.step(context.batches(run)[0], gradients_only());
  const double total = context.at(run + "/step_norms")[0].item<double>();

  std::vector<double> values = {0}, norms = {0}, noise = {0}, zeros = {0};
  double absent = 0;
  for (const auto& [name, parameter] : sam->trainable()) {
    const Reference reference = reference_of(context, run, "gradient", name);
    const at::Tensor& gradient = parameter.grad();
    if (!reference.values.defined() || !gradient.defined()) {
      absent += reference.values.defined() != gradient.defined();
    } else if (is_noise(name)) {
      noise.push_back(length(gradient) / total);
    } else if (reference.norm == 0) {
      zeros.push_back(length(gradient));
    } else {
      values.push_back(length(sample(gradient) - reference.values) / length(reference.values));
      norms.push_back(relative(length(gradient), reference.norm));
    }
  }
  context.report->check("gradients/" + run + "/values", worst(values), kRelativeTolerance);
  context.report->check("gradients/" + run + "/norms", worst(norms), kRelativeTolerance);
  context.report->check("gradients/" + run + "/key-biases", worst(noise), 1e-5);
  exact(context, "gradients/" + run + "/zeros", worst(zeros), 0);
  context.report->check("gradients/" + run + "/absent", absent, 0);
}

void check_changes(const Context& context, const std::string& run, const Named& before, const Sam& sam) {
  std::vector<double> directions = {0}, lengths = {0}, unmoved = {0};
  const Named after = sam.trainable();
  for (size_t i = 0; i < after.size(); ++i) {
    const std::string& name = after[i].first;
    if (is_noise(name)) continue;
    const Reference reference = reference_of(context, run, "change", name);
    const at::Tensor change = (after[i].second.detach() - before[i].second).to(at::kCPU, at::kDouble);
    if (reference.norm == 0) {
      unmoved.push_back(length(change));
      continue;
    }
    const at::Tensor ours = sample(change), theirs = reference.values.to(at::kDouble);
    directions.push_back(1 - ours.dot(theirs).item<double>() / (length(ours) * length(theirs)));
    lengths.push_back(relative(length(change), reference.norm));
  }
  exact(context, "training/" + run + "/change-direction", worst(directions), kCosineTolerance);
  context.report->check("training/" + run + "/change-length", worst(lengths), 1e-2);
  exact(context, "training/" + run + "/unmoved", worst(unmoved), 0);
}

void check_run(const Context& context, const std::string& run) {
  const auto sam = context.load();
  Named before;
  for (const auto& [name, parameter] : sam->trainable())
    before.emplace_back(name, parameter.detach().clone());
  Trainer trainer(sam, options_of(context, run));
  const std::vector<Batch> batches = context.batches(run);
  const at::Tensor losses = context.at(run + "/losses"), norms = context.at(run + "/step_norms"),
                   rates = context.at(run + "/rates");

  std::vector<double> loss_errors, norm_errors;
  for (int64_t step = 0; step < losses.size(0); ++step) {
    const StepResult result = trainer.step(batches[step % 2], update_with(rates[step].item<double>()));
    loss_errors.push_back(relative(result.loss, losses[step].item<double>()));
    norm_errors.push_back(relative(result.gradient_norm, norms[step].item<double>()));
  }
  const std::string steps = std::to_string(losses.size(0)) + "-steps";
  context.report->check("training/" + run + "/losses-" + steps, worst(loss_errors), kRelativeTolerance);
  context.report->check("training/" + run + "/gradient-norms-" + steps, worst(norm_errors), 1e-2);
  check_changes(context, run, before, *sam);
  if (run != kLearning) return;
  // Some more, gently: the masks' borders are decided then, and don't hang on the last digit.
  for (int step = 0; step < 20; ++step) trainer.step(batches[step % 2], update_with(kLearningRate / 4));
  check_precision(context, run, *sam);
}

// Two steps, save, and a third; then restored into another model, the third again.
void check_resume(const Context& context, const std::string& run) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("sam_core_test-" + std::to_string(std::random_device{}()) + "-resume.safetensors");
  const std::vector<Batch> batches = context.batches(run);
  const StepOptions step = update_with(kLearningRate);
  const auto first = context.load(), second = context.load();
  Trainer uninterrupted(first, options_of(context, run)), resumed(second, options_of(context, run));
  uninterrupted.step(batches[0], step);
  uninterrupted.step(batches[1], step);
  uninterrupted.save(file.string(), {});
  resumed.restore(file.string());
  std::filesystem::remove(file);
  std::vector<double> differences = {
      std::abs(uninterrupted.step(batches[0], step).loss - resumed.step(batches[0], step).loss)};
  const Named one = first->trainable(), other = second->trainable();
  for (size_t i = 0; i < one.size(); ++i) differences.push_back(difference(one[i].second, other[i].second));
  // Bit for bit on the CPU; a GPU adds up in no fixed order.
  context.report->check("training/" + run + "/resumed", worst(differences),
                        context.device.is_cpu() ? 0 : kLearningRate);
}

// fp16 with its loss scaler: steps that lower the loss, and one that overflows and so changes nothing.
void check_fp16(const Context& context, const std::string& run) {
  const auto sam = context.load();
  sam->compute_type = at::kHalf;
  Trainer trainer(sam, options_of(context, run));
  const Batch batch = context.batches(run)[0];
  const double first = trainer.step(batch, update_with(kLearningRate)).loss;
  const double reference = context.at(run + "/losses")[0].item<double>();
  context.report->check("training/" + run + "/fp16-loss", relative(first, reference), kHalfTolerance);
  for (int step = 0; step < 4; ++step) trainer.step(batch, update_with(kLearningRate));

  Named before;
  for (const auto& [name, parameter] : sam->trainable())
    before.emplace_back(name, parameter.detach().clone());
  StepOptions overflow = update_with(kLearningRate);
  overflow.scale = 1e30;
  const StepResult skipped = trainer.step(batch, overflow);
  // If the scale begins too high for them, the first steps are skipped, and nothing falls.
  context.report->note("training/" + run + "/fp16-loss-falls", skipped.loss < first ? 0 : 1, 0);
  context.report->check("training/" + run + "/fp16-overflows", std::isfinite(skipped.gradient_norm) ? 1 : 0,
                        0);
  std::vector<double> moved = {0};
  const Named after = sam->trainable();
  for (size_t i = 0; i < after.size(); ++i) moved.push_back(difference(after[i].second, before[i].second));
  context.report->check("training/" + run + "/fp16-skipped", worst(moved), 0);
}

// The scaler halves its scale until one fits; where none does it gives up.
void check_scaler(const Context& context) {
  const auto overflows = [](LossScaler& scaler) {
    int count = 0;
    for (; !scaler.hopeless() && count < 1000; ++count) scaler.update(false);
    return count;
  };
  LossScaler fresh(true), grown(true), other(false);
  context.report->check("training/scaler/below-1", std::abs(overflows(fresh) - 17), 0);
  grown.restore(std::ldexp(1, 40), 0);
  context.report->check("training/scaler/in-a-row", std::abs(overflows(grown) - 20), 0);
  grown.update(true);
  context.report->check("training/scaler/goes-on", grown.hopeless() ? 1 : 0, 0);
  context.report->check("training/scaler/other-types", std::abs(overflows(other) - 1000), 0);
}

// Gradients that no scale brings into range, in fp32 arithmetic, which is quick everywhere.
void check_hopeless(const Context& context, const std::string& run) {
  const auto sam = context.load();
  sam->compute_type = at::kHalf;
  Trainer trainer(sam, options_of(context, run));
  sam->compute_type = at::kFloat;
  const Batch batch = context.batches(run)[0];
  StepOptions endless = update_with(kLearningRate);
  endless.scale = 1e300;
  int steps = 0, skipped = 0;
  for (StepResult result; std::isfinite(result.loss) && steps < 100; ++steps) {
    result = trainer.step(batch, endless);
    skipped += result.skipped;
  }
  context.report->check("training/" + run + "/hopeless", std::abs(steps - 17) + std::abs(skipped - 17), 0);
}

// Gradients of half a backward pass must not enter the next step.
void check_failed_backward(const Context& context, const std::string& run) {
  const auto sam = context.load();
  Trainer trainer(sam, options_of(context, run));
  const Batch batch = context.batches(run)[0];
  const at::Tensor first = sam->trainable().front().second;
  const auto hook = first.register_hook([](const at::Tensor& gradient) -> at::Tensor {
    throw std::runtime_error("stop");
    return gradient;
  });
  double left = 1;
  try {
    trainer.step(batch, gradients_only());
  } catch (const std::exception&) {
    left = 0;
  }
  for (const auto& [name, parameter] : sam->trainable()) left += parameter.grad().defined();
  first.remove_hook(hook);
  context.report->check("training/" + run + "/failed-backward", left, 0);
}

}  // namespace

void check_training(const Context& context) {
  Report& report = *context.report;
  for (const std::string& run : context.cases("run-")) {
    report.attempt("gradients/" + run, [&] { check_gradients(context, run); });
    report.attempt("training/" + run, [&] { check_run(context, run); });
  }
  report.attempt("training/resumed", [&] { check_resume(context, kLearning); });
  report.attempt("training/scaler", [&] { check_scaler(context); });
  report.attempt("training/hopeless", [&] { check_hopeless(context, kLearning); });
  report.attempt("training/failed-backward", [&] { check_failed_backward(context, kLearning); });
  // On a CPU fp16 is for the patient: ten times as slow.
  if (context.device.is_cuda()) report.attempt("training/fp16", [&] { check_fp16(context, kLearning); });
}

}  // namespace sam::core_test
