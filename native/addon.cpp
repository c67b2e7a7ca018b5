// Registers the addon: every export of binding.d.ts, each named once.
#include <ATen/Parallel.h>
#include <napi.h>

#include "binding/environment.h"
#include "binding/functions.h"
#include "binding/handles.h"
#include "binding/openmp.h"
#include "binding/single_copy.h"
#include "binding/wait_policy.h"
#include "memory/block_allocator.h"

namespace {

using namespace sam::binding;

// Raised whenever binding.d.ts changes; lib/addon/native.ts refuses an addon with another number.
constexpr int kContract = 7;

// What is set for the whole process; binding.d.ts lists it.
void set_up_process(Napi::Env env) {
  const OpenMpThreads those_of_the_host;
  guarded(env, require_single_copy);
  sam::use_block_allocator();
  if (compute_threads == 0) compute_threads = at::get_num_threads();
  sam_forget_wait_policy();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  set_up_process(env);
  auto* environment = new Environment(env);
  env.SetInstanceData(environment);
  env.AddCleanupHook([environment] { environment->close(); });

  EmbeddingsHandle::define_class(env);
  EncodingHandle::define_class(env);
  ImageEncoderHandle::define_class(env);
  EmbeddingCacheHandle::define_class(env);
  SamModelHandle::define_class(env);
  TrainerHandle::define_class(env);

  exports.Set("contract", Napi::Number::New(env, kContract));
  exports.Set("info", Napi::Function::New<info>(env, "info"));
  exports.Set("setThreads", Napi::Function::New<set_threads>(env, "setThreads"));
  exports.Set("startProfile", Napi::Function::New<start_profile>(env, "startProfile"));
  exports.Set("stopProfile", Napi::Function::New<stop_profile>(env, "stopProfile"));
  exports.Set("convertWeights", Napi::Function::New<convert_weights>(env, "convertWeights"));
  exports.Set("randomWeights", Napi::Function::New<random_weights>(env, "randomWeights"));
  exports.Set("inspectWeights", Napi::Function::New<inspect_weights>(env, "inspectWeights"));
  exports.Set("exportModel", Napi::Function::New<export_model>(env, "exportModel"));
  exports.Set("decodeScript", Napi::Function::New<decode_script>(env, "decodeScript"));
  exports.Set("preprocess", Napi::Function::New<preprocess>(env, "preprocess"));
  exports.Set("loadEncoder", Napi::Function::New<load_encoder>(env, "loadEncoder"));
  exports.Set("loadModel", Napi::Function::New<load_model>(env, "loadModel"));
  exports.Set("openCache", Napi::Function::New<open_cache>(env, "openCache"));
  exports.Set("createTrainer", Napi::Function::New<create_trainer>(env, "createTrainer"));
  exports.Set("embeddingsFrom", Napi::Function::New<embeddings_from>(env, "embeddingsFrom"));
  exports.Set("saveTensors", Napi::Function::New<save_tensors>(env, "saveTensors"));
  return exports;
}

}  // namespace

NODE_API_MODULE(sam_native, init)
