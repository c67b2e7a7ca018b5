// The trainer.
#include "training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include "binding/arguments.h"
#include "binding/handles.h"
#include "binding/prompts.h"
#include "binding/task.h"
#include "device/move_together.h"

namespace sam::binding {
namespace {

// Of a picture without a single pixel that counts, no loss is a number.
void require_labels(const Batch& batch) {
  const auto sizes = batch.valid.accessor<int64_t, 2>();
  for (int64_t image = 0; image < sizes.size(0); ++image)
    if (!batch.labelled[image].narrow(0, 0, sizes[image][0]).narrow(1, 0, sizes[image][1]).any().item<bool>())
      throw Error("SAM_BAD_ARGUMENT", "batch.labelled has no pixel in image " + std::to_string(image));
}

Batch read_batch(const Arguments& from) {
  Batch batch;
  batch.embeddings = *EmbeddingsHandle::unwrap(from.value("embeddings"), "batch.embeddings");
  batch.prompts = read_prompts(from.object("prompts"));
  const int64_t images = batch.prompts.images;
  if (batch.embeddings.size(0) != images)
    throw Error("SAM_BAD_SHAPE", "batch.embeddings and batch.prompts are of different numbers of images");
  const int64_t side = from.whole("maskSize", 1);
  batch.targets = from.bytes("targets", {images, side, side});
  batch.valid = from.ints("validSizes", {images, 2});
  if (batch.valid.lt(1).any().item<bool>() || batch.valid.gt(side).any().item<bool>())
    throw Error("SAM_BAD_SHAPE", "batch.validSizes must lie between 1 and maskSize");
  if (!from.has("labelled")) return batch;
  batch.labelled = from.bytes("labelled", {images, side, side});
  require_labels(batch);
  return batch;
}

Batch batch_on_device(Batch batch, at::Device device) {
  batch.embeddings = embeddings_on_device(batch.embeddings, device);
  std::vector<at::Tensor*> small = tensors_of(batch.prompts);
  small.insert(small.end(), {&batch.targets, &batch.valid, &batch.labelled});
  move_together(small, device);
  return batch;
}

StepOptions read_step_options(const Arguments& from) {
  StepOptions options;
  options.learning_rate = from.number("learningRate");
  options.update = from.flag("update", true);
  options.scale = from.number("scale");
  if (from.has("clipGradNorm")) options.clip_grad_norm = from.number("clipGradNorm");
  return options;
}

Metadata read_metadata(const Napi::Value& value) {
  Metadata metadata;
  const Arguments all(value, "metadata");
  const Napi::Array keys = value.As<Napi::Object>().GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = Napi::Value(keys[i]).ToString();
    metadata[key] = all.text(key.c_str());
  }
  return metadata;
}

std::string read_path(const Napi::Value& value) {
  if (!value.IsString()) throw Error("SAM_BAD_ARGUMENT", "path must be a string");
  return value.As<Napi::String>();
}

}  // namespace

void TrainerHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) = Napi::Persistent(define(
      env,
      {InstanceMethod<&TrainerHandle::step>("step"), InstanceMethod<&TrainerHandle::validate>("validate"),
       InstanceMethod<&TrainerHandle::save>("save"), InstanceMethod<&TrainerHandle::restore>("restore")}));
}

Napi::Value TrainerHandle::step(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run_task(
        info.Env(), LaneKind::kCompute,
        [state = held(), batch = read_batch(Arguments(info[0], "batch")),
         options = read_step_options(Arguments(info[1], "options"))] {
          RECORD_USER_SCOPE("train step");
          return state->trainer.step(batch_on_device(batch, state->device), options);
        },
        [](Napi::Env env, StepResult result) -> Napi::Value {
          Napi::Object out = Napi::Object::New(env);
          out.Set("loss", Napi::Number::New(env, result.loss));
          out.Set("losses", to_float64(env, result.losses));
          out.Set("gradientNorm", Napi::Number::New(env, result.gradient_norm));
          out.Set("skipped", Napi::Boolean::New(env, result.skipped));
          return out;
        });
  });
}

Napi::Value TrainerHandle::validate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run_task(
        info.Env(), LaneKind::kCompute,
        [state = held(), batch = read_batch(Arguments(info[0], "batch"))] {
          RECORD_USER_SCOPE("validate");
          return state->trainer.validate(batch_on_device(batch, state->device));
        },
        [](Napi::Env env, ValidationResult result) -> Napi::Value {
          Napi::Object out = Napi::Object::New(env);
          out.Set("losses", to_float64(env, result.losses));
          out.Set("ious", to_float64(env, result.ious));
          return out;
        });
  });
}

Napi::Value TrainerHandle::save(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run_task(info.Env(), LaneKind::kCompute,
                    [state = held(), path = read_path(info[0]), metadata = read_metadata(info[1])] {
                      RECORD_USER_SCOPE("save checkpoint");
                      state->trainer.save(path, metadata);
                    });
  });
}

Napi::Value TrainerHandle::restore(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run_task(info.Env(), LaneKind::kCompute,
                    [state = held(), path = read_path(info[0])] { state->trainer.restore(path); });
  });
}

}  // namespace sam::binding
