// Prompt encoder and mask decoder against transformers' SamModel, every prompt of which was computed by
// itself.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core_test/checks.h"

namespace sam::core_test {
namespace {

constexpr double kIouTolerance = 1e-4;
constexpr double kLogitTolerance = 1e-3;

// Where a mask differs from the reference's though the logit is further than the tolerance from 0.
double wrong_pixels(const at::Tensor& ours, const at::Tensor& reference) {
  const at::Tensor sure = reference.abs() > kLogitTolerance;
  return (ours.gt(0) != reference.gt(0)).logical_and(sure).sum().item<double>();
}

void check_case(const Context& context, const std::string& name, Sam& sam,
                const std::vector<int64_t>& settings) {
  Prompts prompts = context.prompts(name, 0, 2);
  prompts.per_image = settings[4];
  if (settings[1] != 0)
    prompts.masks = synthetic_mask_prompts(settings[1], 2 * prompts.per_image)
                        .unflatten(0, {2, prompts.per_image})
                        .to(context.device);

  Report& report = *context.report;
  const PromptEmbeddings embedded = sam.prompt_encoder(prompts);
  if (context.has(name + "/sparse"))
    report.check("prompts/" + name + "/sparse", difference(embedded.sparse, context.at(name + "/sparse")),
                 kEmbeddingTolerance);
  if (context.has(name + "/dense"))
    report.check("prompts/" + name + "/dense",
                 difference(embedded.dense.slice(2, 0, 256, 4).slice(3, 5, 64, 16).slice(4, 5, 64, 16),
                            context.at(name + "/dense")),
                 kEmbeddingTolerance);

  const Masks masks = sam.decode(context.embeddings.narrow(0, 0, 2), prompts,
                                 settings[0] != 0 ? MaskOutput::kMulti : MaskOutput::kSingle);
  const at::Tensor sampled = masks.logits.slice(3, 3, 256, 8).slice(4, 3, 256, 8).to(at::kCPU);
  const at::Tensor means = at::stack({masks.logits.mean({3, 4}), masks.logits.abs().mean({3, 4})}, -1);
  report.check("decoder/" + name + "/ious", difference(masks.iou_predictions, context.at(name + "/ious")),
               kIouTolerance);
  report.check("decoder/" + name + "/logits", difference(sampled, context.at(name + "/logits")),
               kLogitTolerance);
  report.check("decoder/" + name + "/means", difference(means, context.at(name + "/logit_means")),
               kLogitTolerance);
  report.check("decoder/" + name + "/mask", wrong_pixels(sampled, context.at(name + "/logits")), 0);
}

// Many prompts go through in chunks: the same masks as all at once.
void check_chunks(const Context& context, Sam& sam) {
  Prompts prompts = context.prompts("points", 0, 2);
  prompts.per_image = 5;
  prompts.boxes = at::Tensor();
  const at::Tensor steps = at::arange(2 * 5 * 2 * 2, at::kFloat).reshape({2, 5, 2, 2}).to(context.device);
  prompts.points = (steps * 97.0).remainder(1024);
  prompts.labels = (steps.select(-1, 0) * 7).remainder(2).to(at::kLong);
  const auto decode = [&](int64_t at_once) {
    sam.mask_decoder->prompts_at_once = at_once;
    return sam.decode(context.embeddings.narrow(0, 0, 2), prompts, MaskOutput::kMulti);
  };
  const Masks whole = decode(10);
  for (const int64_t at_once : {1, 2, 3, 5, 7}) {
    const Masks masks = decode(at_once);
    const std::string name = "chunks/of-" + std::to_string(at_once);
    context.report->check(name + "/logits", difference(masks.logits, whole.logits), kLogitTolerance);
    context.report->check(name + "/ious", difference(masks.iou_predictions, whole.iou_predictions),
                          kIouTolerance);
  }
  sam.mask_decoder->prompts_at_once = 0;
}

// A mask as the only prompt, in a batch of prompts with points: those that are missing leave no trace.
void check_mask_without_points(const Context& context, const std::string& name, Sam& sam) {
  Prompts prompts;
  prompts.images = 2;
  prompts.per_image = 1;
  prompts.points = at::zeros({2, 1, 3, 2}, context.device);
  prompts.labels = at::full({2, 1, 3}, kMissing, at::TensorOptions(context.device).dtype(at::kLong));
  prompts.masks = synthetic_mask_prompts(context.at(name + "/settings")[1].item<int64_t>(), 2)
                      .unflatten(0, {2, 1})
                      .to(context.device);
  const Masks masks = sam.decode(context.embeddings.narrow(0, 0, 2), prompts, MaskOutput::kMulti);
  context.report->check("decoder/" + name + "-missing/ious",
                        difference(masks.iou_predictions, context.at(name + "/ious")), kIouTolerance);
}

}  // namespace

void check_decoder(const Context& context) {
  const at::NoGradGuard no_grad;
  const at::Tensor embeddings = synthetic_embeddings(context.at("disks"));
  context.report->check(
      "synthetic/embeddings",
      difference(embeddings.flatten().slice(0, 0, embeddings.numel(), 65537), context.at("embedding_sample")),
      0);
  std::vector<at::Tensor> last;
  for (const auto& [name, value] : random_weights(context.parameters, false, false))
    last.push_back(value.flatten()[-1]);
  context.report->check("synthetic/weights", difference(at::stack(last), context.at("weight_sample")), 0);

  double misnamed = 0;
  for (const auto* parameters : {&context.parameters, &context.vit_parameters})
    for (const Parameter& parameter : *parameters)
      misnamed += stored_name(parameter.name, NameScheme::kMeta) != parameter.meta_name;
  context.report->check("synthetic/meta-names", misnamed, 0);

  const auto usual = context.load();
  context.report->attempt("chunks", [&] { check_chunks(context, *usual); });
  for (const std::string& name : context.cases("")) {
    if (name.starts_with("loss-") || name.starts_with("run-")) continue;
    const at::Tensor settings = context.at(name + "/settings");  // multi, mask seed, quiet, Meta, prompts
    const std::vector<int64_t> values(settings.data_ptr<int64_t>(),
                                      settings.data_ptr<int64_t>() + settings.numel());
    const bool quiet = values[2] != 0, meta = values[3] != 0;
    context.report->attempt("decoder/" + name, [&] {
      const auto sam = quiet || meta ? context.load(meta, quiet) : usual;
      check_case(context, name, *sam, values);
    });
  }
  context.report->attempt("decoder/mask-missing",
                          [&] { check_mask_without_points(context, "mask", *usual); });
}

}  // namespace sam::core_test
