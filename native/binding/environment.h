// What one JavaScript environment (the main thread, or a worker) keeps: its lanes and its classes.
#pragma once

#include <napi.h>

#include <atomic>

#include "binding/lane.h"

namespace sam::binding {

struct Environment {
  explicit Environment(Napi::Env env) : compute(env, LaneKind::kCompute), data(env, LaneKind::kData) {}

  Lane compute, data;
  Napi::FunctionReference embeddings, encoding, image_encoder, embedding_cache, sam_model, trainer;
  // What the handle that is being constructed will hold: a pointer to a shared pointer. JavaScript cannot set
  // it.
  void* incoming = nullptr;

  Lane& lane(LaneKind kind) { return kind == LaneKind::kCompute ? compute : data; }

  void close() {
    compute.close();
    data.close();
  }

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

// CPU threads for compute tasks of the whole process.
inline std::atomic<int> compute_threads{0};

// Handles that hold native memory, in the whole process.
inline std::atomic<int64_t> live_handles{0};

}  // namespace sam::binding
