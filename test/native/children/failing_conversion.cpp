// An addon of one function, `fail(kind)`: a task of native/binding/task.h whose work is done well, but whose result cannot be
// converted. Compiled with the binding's own sources, as the addon is.
#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "binding/task.h"

using namespace sam::binding;

static Napi::Value fail(const Napi::CallbackInfo& info) {
  const std::string kind = info[0].As<Napi::String>();
  return run_task(
      info.Env(), LaneKind::kCompute, [kind] { return kind; },
      [](Napi::Env env, const std::string& kind) -> Napi::Value {
        if (kind == "memory") throw std::bad_alloc();
        if (kind == "torch") TORCH_CHECK(false, "no such tensor");
        if (kind == "javascript") throw Napi::RangeError::New(env, "thrown by JavaScript");
        return env.Undefined();
      });
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("fail", Napi::Function::New(env, fail));
  return exports;
}

NODE_API_MODULE(failing_conversion, init)
