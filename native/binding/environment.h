// What one JavaScript environment (the main thread, or a worker) keeps: its lanes and its classes.
#pragma once

#include <napi.h>

#include <atomic>
#include <shared_mutex>

#include "binding/lane.h"

namespace sam::binding {

struct Environment {
  Lane compute, data;
  Napi::FunctionReference embeddings, encoding, image_encoder, embedding_cache, sam_model, trainer;

  void close() {
    compute.close();
    data.close();
  }

  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }
};

// CPU threads for compute tasks of the whole process; OpenMP's own setting belongs to a thread, so each task
// sets it.
inline std::atomic<int> compute_threads{0};

// Shared by every task while it runs; whoever has it alone knows that none does. The profiler's buffers
// belong to the threads that fill them.
inline std::shared_mutex task_running;

// Handles that hold native memory, in the whole process.
inline std::atomic<int64_t> live_handles{0};

}  // namespace sam::binding
