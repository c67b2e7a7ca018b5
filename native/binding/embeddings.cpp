// Embeddings and the cache that keeps them on disk.
#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include "binding/arguments.h"
#include "binding/handles.h"
#include "binding/task.h"

namespace sam::binding {

Napi::Value wrap_embeddings(Napi::Env env, at::Tensor embeddings) {
  return EmbeddingsHandle::wrap(env, std::make_shared<at::Tensor>(std::move(embeddings)));
}

void EmbeddingsHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) =
      Napi::Persistent(define(env, {InstanceAccessor<&EmbeddingsHandle::count>("count"),
                                    InstanceMethod<&EmbeddingsHandle::to_float32_array>("toFloat32Array")}));
}

Napi::Value EmbeddingsHandle::count(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(receiver(info)->size(0))); });
}

Napi::Value EmbeddingsHandle::to_float32_array(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return to_float32(info.Env(), *held()); });
}

void EmbeddingCacheHandle::define_class(Napi::Env env) {
  constructor_of(Environment::of(env)) =
      Napi::Persistent(define(env, {InstanceAccessor<&EmbeddingCacheHandle::size>("size"),
                                    InstanceMethod<&EmbeddingCacheHandle::has>("has"),
                                    InstanceMethod<&EmbeddingCacheHandle::read>("read"),
                                    InstanceMethod<&EmbeddingCacheHandle::write>("write"),
                                    InstanceMethod<&EmbeddingCacheHandle::flush>("flush"),
                                    InstanceMethod<&EmbeddingCacheHandle::export_to>("export")}));
}

Napi::Value EmbeddingCacheHandle::size(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(receiver(info)->size())); });
}

Napi::Value EmbeddingCacheHandle::has(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[0].IsString()) throw Error("SAM_BAD_ARGUMENT", "key must be a string");
    return Napi::Boolean::New(info.Env(), held()->has(info[0].As<Napi::String>()));
  });
}

Napi::Value EmbeddingCacheHandle::read(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    Napi::Object wrapped = Napi::Object::New(info.Env());
    wrapped.Set("keys", info[0]);
    auto keys = Arguments(wrapped, "read").texts("keys");
    return run_task(
        info.Env(), LaneKind::kData,
        [cache = held(), keys = std::move(keys)] {
          RECORD_USER_SCOPE("read embeddings");
          return cache->read(keys);
        },
        wrap_embeddings);
  });
}

Napi::Value EmbeddingCacheHandle::write(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[0].IsString()) throw Error("SAM_BAD_ARGUMENT", "key must be a string");
    return run_task(info.Env(), LaneKind::kData,
                    [cache = held(), key = std::string(info[0].As<Napi::String>()),
                     embedding = EmbeddingsHandle::unwrap(info[1], "embeddings")] {
                      RECORD_USER_SCOPE("write embedding");
                      cache->write(key, *embedding);
                    });
  });
}

Napi::Value EmbeddingCacheHandle::flush(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return run_task(info.Env(), LaneKind::kData, [cache = held()] { cache->flush(); }); });
}

Napi::Value EmbeddingCacheHandle::export_to(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Arguments options(info[0], "options");
    auto keys = options.texts("keys"), names = options.texts("names");
    if (keys.size() != names.size())
      throw Error("SAM_BAD_SHAPE", "options.keys and options.names differ in length");
    return run_task(info.Env(), LaneKind::kData,
                    [cache = held(), path = options.text("path"), keys = std::move(keys),
                     names = std::move(names)] { cache->export_to(path, keys, names); });
  });
}

}  // namespace sam::binding
