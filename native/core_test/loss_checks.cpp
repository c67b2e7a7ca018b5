// Losses and the choice among masks, each loss alone and all together, against plain PyTorch.
#include <ATen/ATen.h>

#include <array>

#include "core_test/checks.h"

namespace sam::core_test {
namespace {

constexpr double kLossTolerance = 1e-4;  // absolute; the losses are about 0.1 to 1.7

struct Row {
  const char* name;
  LossWeights weights;
};
constexpr std::array<Row, 5> kRows = {{{"dice", {.dice = 1}},
                                       {"bce", {.bce = 1}},
                                       {"focal", {.focal = 1}},
                                       {"iou", {.iou = 1}},
                                       {"sum", {.dice = 1, .bce = 1, .focal = 1, .iou = 1}}}};

at::Tensor to_tensor(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

void check_case(const Context& context, const std::string& name, const std::shared_ptr<Sam>& sam) {
  const int64_t* settings = context.at(name + "/settings").const_data_ptr<int64_t>();
  TrainerOptions options;
  options.selection = {settings[0] != 0 ? MaskOutput::kMulti : MaskOutput::kSingle,
                       settings[1] != 0 ? MultiMask::kBest : MultiMask::kMean};
  const Batch batch = context.batch(name, 0, 4);
  const std::string label = "losses/" + name.substr(5) + "/";
  for (size_t i = 0; i < kRows.size(); ++i) {
    options.loss = kRows[i].weights;
    Trainer trainer(sam, options);
    const StepResult result = trainer.step(batch, gradients_only());
    context.report->check(
        label + kRows[i].name,
        difference(to_tensor(result.losses), context.at(name + "/losses")[static_cast<int64_t>(i)]),
        kLossTolerance);
  }
  const ValidationResult validation = Trainer(sam, options).validate(batch);
  const at::Tensor ours = at::stack({to_tensor(validation.losses), to_tensor(validation.ious)});
  context.report->check(label + "validation", difference(ours, context.at(name + "/validation")),
                        kLossTolerance);
}

}  // namespace

void check_losses(const Context& context) {
  const auto sam = context.load();
  for (const std::string& name : context.cases("loss-"))
    context.report->attempt("losses/" + name, [&] { check_case(context, name, sam); });
}

}  // namespace sam::core_test
