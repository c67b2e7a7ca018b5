// C++ exceptions to JavaScript errors with `code`, `detail` and `keys`.
#pragma once

#include <napi.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace sam::binding {

// What is left of an exception on its way to another thread.
struct Failure {
  std::string code, message, detail;
  std::vector<std::string> keys;
};

// Of the exception being handled; call inside `catch (...)`.
Failure current_failure();

Napi::Error to_js(Napi::Env env, const Failure& failure);

// Every function that JavaScript calls goes through here: nothing but a Napi::Error leaves it.
template <typename Body>
auto guarded(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_js(env, current_failure());
  }
}

}  // namespace sam::binding
