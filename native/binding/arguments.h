// Checked reading of JavaScript arguments. node-addon-api's casts check nothing, and a wrong typed array
// would be read out of its bounds. Every failure is a SAM_BAD_ARGUMENT or SAM_BAD_SHAPE that names the
// argument.
#pragma once

#include <ATen/core/Tensor.h>
#include <napi.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace sam::binding {

// An options object and its members.
class Arguments {
 public:
  Arguments(const Napi::Value& value, const char* name);

  bool has(const char* key) const;
  Napi::Value value(const char* key) const;
  std::string text(const char* key) const;
  std::string text(const char* key, const std::string& otherwise) const;
  double number(const char* key) const;
  int64_t whole(const char* key, int64_t minimum) const;
  bool flag(const char* key, bool otherwise) const;
  // The place of the text among the words, which an error names.
  size_t choice(const char* key, std::initializer_list<const char*> words) const;
  std::vector<std::string> texts(const char* key) const;
  Arguments object(const char* key) const;

  // Copies of typed arrays as tensors of the given shape, whose product must be their length.
  at::Tensor floats(const char* key, at::IntArrayRef shape) const;  // Float32Array, finite
  at::Tensor ints(const char* key, at::IntArrayRef shape) const;    // Int32Array -> int64
  at::Tensor bytes(const char* key, at::IntArrayRef shape) const;   // Uint8Array

 private:
  std::string path(const char* key) const { return name_ + "." + key; }
  const void* typed(const char* key, napi_typedarray_type type, const char* type_name,
                    at::IntArrayRef shape) const;

  Napi::Object object_;
  std::string name_;
};

// Typed arrays that own their memory.
Napi::Float32Array to_float32(Napi::Env env, const at::Tensor& tensor);
Napi::Float64Array to_float64(Napi::Env env, const std::vector<double>& values);
Napi::Uint8Array to_uint8(Napi::Env env, const at::Tensor& tensor);

// A Float32Array given as an argument of its own.
at::Tensor floats_of(const Napi::Value& value, const char* name);

}  // namespace sam::binding
