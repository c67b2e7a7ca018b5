// The one way in which asynchronous work is done: plain C++ off the main thread, its result converted on it.
#pragma once

#include <c10/core/GradMode.h>
#include <napi.h>

#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "binding/environment.h"
#include "binding/errors.h"
#include "binding/openmp.h"

namespace sam::binding {

// False in a thread that is being terminated. Node waits for the work in flight before it calls the cleanup
// hooks: work started meanwhile would hold it up until the last of the queue is done.
inline bool runs_javascript(napi_env env) {
  napi_value object;
  bool found;
  return napi_create_object(env, &object) == napi_ok &&
         napi_has_named_property(env, object, "x", &found) == napi_ok;
}

// `Work`: () -> Result, no N-API inside; it owns (shared pointers) all it touches. `Convert`: (Napi::Env,
// Result) -> Napi::Value.
template <typename Work, typename Convert>
class Task final : public Napi::AsyncWorker {
 public:
  Task(Napi::Env env, LaneKind kind, Work work, Convert convert)
      : Napi::AsyncWorker(env),
        kind_(kind),
        work_(std::move(work)),
        convert_(std::move(convert)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    // Its lane has taken the turn. Others may have it as soon as the work is done, whatever JavaScript does
    // meanwhile.
    const std::lock_guard turn(Turn::of(kind_), std::adopt_lock);
    try {
      OpenMpThreads threads;
      kind_ == LaneKind::kCompute ? threads.take(compute_threads) : threads.take_one();
      const c10::AutoGradMode no_gradients(false);
      result_.emplace(work_());
    } catch (...) {
      failure_ = current_failure();
    }
  }

  void OnOK() override {
    const Napi::HandleScope scope(Env());
    Environment& environment = Environment::of(Env());
    if (!runs_javascript(Env())) return environment.close();
    environment.lane(kind_).finished();
    if (failure_) return deferred_.Reject(to_js(Env(), *failure_).Value());
    try {
      deferred_.Resolve(convert_(Env(), std::move(*result_)));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    } catch (...) {
      deferred_.Reject(to_js(Env(), current_failure()).Value());
    }
  }

 private:
  LaneKind kind_;
  Work work_;
  Convert convert_;
  Napi::Promise::Deferred deferred_;
  std::optional<std::invoke_result_t<Work>> result_;
  std::optional<Failure> failure_;
};

template <typename Work, typename Convert>
Napi::Value run_task(Napi::Env env, LaneKind kind, Work work, Convert convert) {
  auto* task = new Task<Work, Convert>(env, kind, std::move(work), std::move(convert));
  const Napi::Promise promise = task->promise();
  Environment::of(env).lane(kind).submit(task);
  return promise;
}

struct Nothing {};  // the result of work that is done for its effect

// Work that returns nothing: the promise resolves to undefined.
template <typename Work>
Napi::Value run_task(Napi::Env env, LaneKind kind, Work work) {
  return run_task(
      env, kind,
      [work = std::move(work)]() mutable {
        work();
        return Nothing{};
      },
      [](Napi::Env e, Nothing) -> Napi::Value { return e.Undefined(); });
}

}  // namespace sam::binding
