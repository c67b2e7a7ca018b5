#include "binding/errors.h"

#include <c10/util/Exception.h>

#include <new>

#include "error.h"

namespace sam::binding {
namespace {

// c10's message is several lines; the first one that says something is enough, the rest is `detail`.
Failure from_torch(const c10::Error& error) {
  std::string text = error.what_without_backtrace();
  const bool out_of_memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                             text.find("DefaultCPUAllocator") != std::string::npos;
  if (out_of_memory)
    return {"SAM_OUT_OF_MEMORY",
            "not enough memory: make the batch smaller or close other programs",
            std::move(text),
            {}};
  std::string first = text.substr(0, text.find('\n'));
  return {"SAM_TORCH", "LibTorch: " + first, std::move(text), {}};
}

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code, error.what(), error.detail, error.keys};
  } catch (const c10::Error& error) {
    return from_torch(error);
  } catch (const std::bad_alloc&) {
    return {"SAM_OUT_OF_MEMORY", "not enough memory: make the batch smaller or close other programs", {}, {}};
  } catch (const std::exception& error) {
    return {"SAM_TORCH", error.what(), {}, {}};
  } catch (...) {
    return {"SAM_TORCH", "an unknown native error", {}, {}};
  }
}

Napi::Error to_js(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, failure.code));
  if (!failure.detail.empty()) error.Set("detail", Napi::String::New(env, failure.detail));
  if (!failure.keys.empty()) {
    Napi::Array keys = Napi::Array::New(env, failure.keys.size());
    for (uint32_t i = 0; i < failure.keys.size(); ++i) keys[i] = Napi::String::New(env, failure.keys[i]);
    error.Set("keys", keys);
  }
  return error;
}

}  // namespace sam::binding
