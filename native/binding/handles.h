// The classes that cross the boundary; binding.d.ts documents their members.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <atomic>

#include "binding/handle.h"
#include "encoder/image_encoder.h"
#include "model/sam.h"
#include "storage/embedding_cache.h"
#include "training/trainer.h"

namespace sam::binding {

// The upper half of every handle's type tag, drawn once; the lower half counts the classes.
constexpr uint64_t kTagOfHandles = 0x5f3c1e9a7d2b4086;

class EmbeddingsHandle final : public Handle<EmbeddingsHandle, at::Tensor> {
 public:
  static constexpr const char* kName = "Embeddings";
  static constexpr bool kHoldsWeights = false;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 1};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.embeddings; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value to_float32_array(const Napi::CallbackInfo& info);
};

// An image between two slices of its encoder.
struct EncodingState {
  enum class Stage { kUnderWay, kReady, kFailed };

  std::shared_ptr<ImageEncoder> encoder;
  at::Tensor x;
  bool to_host = false;  // the embedding is for storage
  int64_t slice = 0;
  std::atomic<Stage> stage = Stage::kUnderWay;  // which the main thread asks for while the next slice may run
};

class EncodingHandle final : public Handle<EncodingHandle, EncodingState> {
 public:
  static constexpr const char* kName = "Encoding";
  static constexpr bool kHoldsWeights = false;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 2};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.encoding; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value advance(const Napi::CallbackInfo& info);
  Napi::Value embeddings(const Napi::CallbackInfo& info);
};

class ImageEncoderHandle final : public Handle<ImageEncoderHandle, ImageEncoder> {
 public:
  static constexpr const char* kName = "ImageEncoder";
  static constexpr bool kHoldsWeights = true;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 3};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.image_encoder; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value begin(const Napi::CallbackInfo& info);
};

class EmbeddingCacheHandle final : public Handle<EmbeddingCacheHandle, EmbeddingCache> {
 public:
  static constexpr const char* kName = "EmbeddingCache";
  static constexpr bool kHoldsWeights = false;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 4};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.embedding_cache; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value has(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value write(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value export_to(const Napi::CallbackInfo& info);
};

class SamModelHandle final : public Handle<SamModelHandle, Sam> {
 public:
  static constexpr const char* kName = "SamModel";
  static constexpr bool kHoldsWeights = true;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 5};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.sam_model; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value decode(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
};

// The trainer with the device it computes on.
struct TrainerState {
  Trainer trainer;
  at::Device device;
};

class TrainerHandle final : public Handle<TrainerHandle, TrainerState> {
 public:
  static constexpr const char* kName = "Trainer";
  static constexpr bool kHoldsWeights = true;
  static constexpr napi_type_tag kTag = {kTagOfHandles, 6};
  static Napi::FunctionReference& constructor_of(Environment& e) { return e.trainer; }
  static void define_class(Napi::Env env);
  using Handle::Handle;

 private:
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value validate(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
};

// A new Embeddings for JavaScript.
Napi::Value wrap_embeddings(Napi::Env env, at::Tensor embeddings);

// `Decoded` of binding.d.ts.
Napi::Value wrap_masks(Napi::Env env, const Masks& masks);

}  // namespace sam::binding
