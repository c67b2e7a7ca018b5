// The functions of the addon; binding.d.ts documents them.
#pragma once

#include <napi.h>

namespace sam::binding {

Napi::Value info(const Napi::CallbackInfo& info);
Napi::Value set_threads(const Napi::CallbackInfo& info);
Napi::Value start_profile(const Napi::CallbackInfo& info);
Napi::Value stop_profile(const Napi::CallbackInfo& info);
Napi::Value convert_weights(const Napi::CallbackInfo& info);
Napi::Value random_weights(const Napi::CallbackInfo& info);
Napi::Value inspect_weights(const Napi::CallbackInfo& info);
Napi::Value export_model(const Napi::CallbackInfo& info);
Napi::Value decode_script(const Napi::CallbackInfo& info);
Napi::Value preprocess(const Napi::CallbackInfo& info);
Napi::Value load_encoder(const Napi::CallbackInfo& info);
Napi::Value load_model(const Napi::CallbackInfo& info);
Napi::Value open_cache(const Napi::CallbackInfo& info);
Napi::Value create_trainer(const Napi::CallbackInfo& info);
Napi::Value embeddings_from(const Napi::CallbackInfo& info);
Napi::Value save_tensors(const Napi::CallbackInfo& info);

}  // namespace sam::binding
