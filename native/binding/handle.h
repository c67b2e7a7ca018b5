// JavaScript objects that hold native memory. Each wraps one shared pointer: tasks copy it, so that disposing
// never pulls anything from under work in flight.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <utility>

#include "binding/environment.h"
#include "binding/errors.h"
#include "error.h"
#include "memory/block_allocator.h"

namespace sam::binding {

// `held`, after whose end the system has its memory back: when its last owner lets go of it, be that the
// handle, a trainer of the model or work in flight.
template <typename T>
std::shared_ptr<T> with_memory_returned(std::shared_ptr<T> held) {
  T* const object = held.get();
  return {object, [held = std::move(held)](T*) mutable {
            held.reset();
            return_free_memory();
          }};
}

// `Derived` names itself (`kName`, and `kTag` as Node-API wants it), says whether it `kHoldsWeights`, and
// knows its constructor's place in the Environment (`constructor_of`); `T` is what it holds.
template <typename Derived, typename T>
class Handle : public Napi::ObjectWrap<Derived> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Derived>(info) {
    void* const incoming = std::exchange(Environment::of(info.Env()).incoming, nullptr);
    if (incoming == nullptr)
      throw to_js(
          info.Env(),
          {"SAM_BAD_ARGUMENT", std::string(Derived::kName) + " cannot be constructed directly", {}, {}});
    // By its tag an object is known, whatever prototype JavaScript gives it later.
    info.This().As<Napi::Object>().TypeTag(&Derived::kTag);
    held_ = std::move(*static_cast<std::shared_ptr<T>*>(incoming));
    ++live_handles;
  }

  ~Handle() override { release(); }

  static Napi::Object wrap(Napi::Env env, std::shared_ptr<T> held) {
    if constexpr (Derived::kHoldsWeights) held = with_memory_returned(std::move(held));
    Environment& environment = Environment::of(env);
    const Incoming incoming(environment.incoming, &held);
    return Derived::constructor_of(environment).New(std::initializer_list<napi_value>{});
  }

  // What a JavaScript value holds. SAM_BAD_ARGUMENT for another kind of object, SAM_DISPOSED after `dispose`.
  static std::shared_ptr<T> unwrap(const Napi::Value& value, const char* name) {
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&Derived::kTag))
      throw Error("SAM_BAD_ARGUMENT", std::string(name) + " must be " + Derived::kName);
    return Napi::ObjectWrap<Derived>::Unwrap(value.As<Napi::Object>())->held();
  }

  std::shared_ptr<T> held() const {
    if (!held_) throw Error("SAM_DISPOSED", std::string(Derived::kName) + " has been disposed");
    return held_;
  }

  // `held` for accessors: V8 checks the receivers of methods, but not theirs, so that `this` may be of
  // another class.
  static std::shared_ptr<T> receiver(const Napi::CallbackInfo& info) { return unwrap(info.This(), "this"); }

  void dispose(const Napi::CallbackInfo&) { release(); }

 protected:
  // The class with its methods and, under both names, `dispose`.
  static Napi::Function define(Napi::Env env, std::vector<Napi::ClassPropertyDescriptor<Derived>> members) {
    members.push_back(Derived::InstanceMethod("dispose", &Derived::dispose));
    members.push_back(Derived::InstanceMethod(Napi::Symbol::WellKnown(env, "dispose"), &Derived::dispose));
    return Derived::DefineClass(env, Derived::kName, members);
  }

 private:
  // What the constructor finds, and nobody after it.
  class Incoming {
   public:
    Incoming(void*& place, std::shared_ptr<T>* held) : place_(place) { place_ = held; }
    ~Incoming() { place_ = nullptr; }

   private:
    void*& place_;
  };

  void release() {
    if (!held_) return;
    held_.reset();
    --live_handles;
  }

  std::shared_ptr<T> held_;
};

}  // namespace sam::binding
