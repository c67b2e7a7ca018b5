// The model: raw decoding and prediction.
#include <ATen/ATen.h>

#include "binding/arguments.h"
#include "binding/handles.h"
#include "binding/prompts.h"
#include "binding/task.h"
#include "device/move_together.h"
#include "model/postprocess.h"
#include "weights/finite.h"

namespace sam::binding {
namespace {

// Embeddings and prompts of one call, checked against each other.
struct Request {
  std::shared_ptr<at::Tensor> embeddings;
  Prompts prompts;
};

Request read_request(const Arguments& request) {
  Request out{EmbeddingsHandle::unwrap(request.value("embeddings"), "embeddings"),
              read_prompts(request.object("prompts"))};
  if (out.embeddings->size(0) != out.prompts.images)
    throw Error("SAM_BAD_SHAPE", "there are " + std::to_string(out.embeddings->size(0)) +
                                     " embeddings for prompts of " + std::to_string(out.prompts.images) +
                                     " images");
  return out;
}

Prompts prompts_on_device(const Request& request, at::Device device) {
  Prompts prompts = request.prompts;
  move_together(tensors_of(prompts), device);
  return prompts;
}

// A mask of NaN would look like an empty one.
void require_answer(const at::Tensor& logits, const at::Tensor& scores) {
  if (all_finite(logits) && all_finite(scores)) return;
  throw Error("SAM_BAD_CHECKPOINT",
              "the mask decoder makes NaN or infinity of a prompt: with `precision` fp32 it may not; if it "
              "does, get its weights again");
}

struct Predicted {
  std::vector<at::Tensor> masks;
  at::Tensor scores, logits;
};

Predicted predict_request(Sam& sam, const Request& request, Selection selection, const at::Tensor& sizes,
                          int64_t image_size) {
  const Prompts prompts = prompts_on_device(request, sam.device);
  const Masks masks =
      sam.decode(embeddings_on_device(*request.embeddings, sam.device), prompts, selection.output);
  const Selected selected =
      select_masks(masks, choose_by_prediction(masks), prompts.present, selection.multi_mask);
  Predicted out{{}, selected.scores.cpu(), selected.logits.cpu()};
  require_answer(out.logits, out.scores);
  for (int64_t i = 0; i < sizes.size(0); ++i)
    out.masks.push_back(full_size_mask(selected.logits[i], sizes[i][0].item<int64_t>(),
                                       sizes[i][1].item<int64_t>(), image_size));
  return out;
}

}  // namespace

Napi::Value wrap_masks(Napi::Env env, const Masks& masks) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("lowResLogits", to_float32(env, masks.logits));
  out.Set("iouPredictions", to_float32(env, masks.iou_predictions));
  out.Set("outputs", Napi::Number::New(env, static_cast<double>(masks.iou_predictions.size(-1))));
  return out;
}

void SamModelHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) =
      Napi::Persistent(define(env, {InstanceMethod<&SamModelHandle::decode>("decode"),
                                    InstanceMethod<&SamModelHandle::predict>("predict")}));
}

Napi::Value SamModelHandle::decode(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments request(info[0], "request");
    return run_task(
        info.Env(), LaneKind::kCompute,
        [sam = held(), request = read_request(request), output = read_mask_output(request)] {
          const Masks masks = sam->decode(embeddings_on_device(*request.embeddings, sam->device),
                                          prompts_on_device(request, sam->device), output);
          const Masks answer{masks.logits.cpu(), masks.iou_predictions.cpu()};
          require_answer(answer.logits, answer.iou_predictions);
          return answer;
        },
        wrap_masks);
  });
}

Napi::Value SamModelHandle::predict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "request");
    auto request = read_request(options);
    const at::Tensor sizes = options.ints("sizes", {request.prompts.images, 2});
    if (sizes.lt(1).any().item<bool>()) throw Error("SAM_BAD_SHAPE", "request.sizes must be at least 1 x 1");
    const int64_t image_size = options.has("imageSize") ? options.whole("imageSize", 1) : 0;
    return run_task(
        info.Env(), LaneKind::kCompute,
        [sam = held(), request = std::move(request), selection = read_selection(options.object("selection")),
         sizes, image_size] { return predict_request(*sam, request, selection, sizes, image_size); },
        [](Napi::Env env, Predicted predicted) -> Napi::Value {
          Napi::Array masks = Napi::Array::New(env, predicted.masks.size());
          for (uint32_t i = 0; i < predicted.masks.size(); ++i) masks[i] = to_uint8(env, predicted.masks[i]);
          Napi::Object out = Napi::Object::New(env);
          out.Set("masks", masks);
          out.Set("scores", to_float32(env, predicted.scores));
          out.Set("lowResLogits", to_float32(env, predicted.logits));
          return out;
        });
  });
}

}  // namespace sam::binding
