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

namespace sam::binding {

// `Derived` names itself (`kName`, and `kTag` as Node-API wants it) and its constructor's place in the
// Environment
// (`constructor_of`); `T` is what it holds.
template <typename Derived, typename T>
class Handle : public Napi::ObjectWrap<Derived> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Derived>(info) {
    if (info.Length() != 1 || !info[0].IsExternal())
      throw to_js(
          info.Env(),
          {"SAM_BAD_ARGUMENT", std::string(Derived::kName) + " cannot be constructed directly", {}, {}});
    // By its tag an object is known, whatever prototype JavaScript gives it later.
    info.This().As<Napi::Object>().TypeTag(&Derived::kTag);
    held_ = *info[0].As<Napi::External<std::shared_ptr<T>>>().Data();
    ++live_handles;
  }

  ~Handle() override { release(); }

  static Napi::Object wrap(Napi::Env env, std::shared_ptr<T> held) {
    const auto external = Napi::External<std::shared_ptr<T>>::New(env, &held);
    return Derived::constructor_of(Environment::of(env)).New({external});
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
  void release() {
    if (!held_) return;
    held_.reset();
    --live_handles;
  }

  std::shared_ptr<T> held_;
};

}  // namespace sam::binding
