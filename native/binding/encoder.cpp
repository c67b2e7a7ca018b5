// The image encoder and the images on their way through it.
#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include "binding/arguments.h"
#include "binding/functions.h"
#include "binding/handles.h"
#include "binding/task.h"
#include "encoder/preprocess.h"

namespace sam::binding {
namespace {

struct Picture {
  at::Tensor pixels;  // H x W x 3
  std::optional<int64_t> image_size;

  at::Tensor preprocessed() const {
    RECORD_USER_SCOPE("preprocess");
    return sam::preprocess(pixels, image_size);
  }
};

Picture read_picture(const Arguments& image) {
  const int64_t width = image.whole("width", 1), height = image.whole("height", 1);
  std::optional<int64_t> image_size;
  if (image.has("imageSize")) image_size = image.whole("imageSize", 1);
  return {image.bytes("pixels", {height, width, 3}), image_size};
}

[[noreturn]] void refuse_failed() {
  throw Error("SAM_BAD_ARGUMENT", "this encoding failed: begin the image again");
}

// The next slice. Slices work in place: what one left behind when it failed is of no use to anyone.
bool run_next_slice(EncodingState& state) {
  using Stage = EncodingState::Stage;
  if (state.stage == Stage::kFailed) refuse_failed();
  if (state.stage == Stage::kReady) return true;
  try {
    state.x = state.encoder->run_slice(state.slice, std::move(state.x));
    if (++state.slice < state.encoder->slices()) return false;
    if (!at::isfinite(state.x).all().item<bool>())
      throw Error("SAM_BAD_CHECKPOINT",
                  "the image encoder makes NaN or infinity of a picture: with `precision` fp32 it may "
                  "not; if it does, get its weights again");
    // Here, where this lane has waited for the GPU: later the other would wait for the next image's slices.
    if (state.to_host) state.x = state.x.to(at::kCPU);
  } catch (...) {
    state.stage = Stage::kFailed;
    state.x = at::Tensor();
    throw;
  }
  state.stage = Stage::kReady;
  return true;
}

}  // namespace

Napi::Value preprocess(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Picture picture = read_picture(Arguments(info[0], "image"));
    const auto [height, width] = picture.image_size
                                     ? std::pair{kModelSize, kModelSize}
                                     : resized_size(picture.pixels.size(0), picture.pixels.size(1));
    return run_task(
        info.Env(), LaneKind::kData, [picture] { return picture.preprocessed(); },
        [height, width](Napi::Env env, const at::Tensor& values) -> Napi::Value {
          Napi::Object out = Napi::Object::New(env);
          out.Set("values", to_float32(env, values));
          out.Set("height", Napi::Number::New(env, static_cast<double>(height)));
          out.Set("width", Napi::Number::New(env, static_cast<double>(width)));
          return out;
        });
  });
}

void ImageEncoderHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) =
      Napi::Persistent(define(env, {InstanceMethod<&ImageEncoderHandle::begin>("begin")}));
}

Napi::Value ImageEncoderHandle::begin(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments image(info[0], "image");
    return run_task(
        info.Env(), LaneKind::kData,
        [encoder = held(), picture = read_picture(image), to_host = image.flag("toHost", false)] {
          return std::make_shared<EncodingState>(encoder, picture.preprocessed(), to_host);
        },
        [](Napi::Env env, std::shared_ptr<EncodingState> state) -> Napi::Value {
          return EncodingHandle::wrap(env, std::move(state));
        });
  });
}

void EncodingHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) =
      Napi::Persistent(define(env, {InstanceMethod<&EncodingHandle::advance>("advance"),
                                    InstanceMethod<&EncodingHandle::embeddings>("embeddings")}));
}

Napi::Value EncodingHandle::advance(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return run_task(
        info.Env(), LaneKind::kCompute,
        [state = held()] {
          RECORD_USER_SCOPE("encode");
          return run_next_slice(*state);
        },
        [](Napi::Env env, bool done) -> Napi::Value { return Napi::Boolean::New(env, done); });
  });
}

Napi::Value EncodingHandle::embeddings(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = held();
    const EncodingState::Stage stage = state->stage;
    if (stage == EncodingState::Stage::kFailed) refuse_failed();
    if (stage != EncodingState::Stage::kReady)
      throw Error("SAM_BAD_ARGUMENT", "the encoding is not finished: call advance until it is true");
    return wrap_embeddings(info.Env(), state->x);
  });
}

}  // namespace sam::binding
