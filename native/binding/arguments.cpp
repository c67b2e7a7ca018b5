#include "binding/arguments.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstring>

#include "error.h"

namespace sam::binding {
namespace {

[[noreturn]] void bad(const std::string& what) { throw Error("SAM_BAD_ARGUMENT", what); }

// The number of elements; SIZE_MAX, which no array has, where it is more than that.
size_t product(at::IntArrayRef shape) {
  size_t all = 1;
  for (const int64_t side : shape) {
    const auto factor = static_cast<size_t>(side);
    if (factor != 0 && all > SIZE_MAX / factor) return SIZE_MAX;
    all *= factor;
  }
  return all;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

// Where the elements of a typed array lie. Shared memory is refused: another thread could write while it is
// checked.
const void* elements_of(const Napi::TypedArray& array, const std::string& name) {
  const Napi::Value buffer = array.Buffer();
  if (!buffer.IsArrayBuffer()) bad(name + " must not lie in a SharedArrayBuffer");
  return static_cast<const char*>(buffer.As<Napi::ArrayBuffer>().Data()) + array.ByteOffset();
}

template <typename Array, typename T>
Array copy_out(Napi::Env env, const T* data, size_t count) {
  Array array = Array::New(env, count);
  if (count > 0) std::memcpy(array.Data(), data, count * sizeof(T));
  return array;
}

}  // namespace

Arguments::Arguments(const Napi::Value& value, const char* name) : name_(name) {
  if (!value.IsObject()) bad(name_ + " must be an object");
  object_ = value.As<Napi::Object>();
}

bool Arguments::has(const char* key) const {
  const Napi::Value member = object_.Get(key);
  return !member.IsUndefined() && !member.IsNull();
}

Napi::Value Arguments::value(const char* key) const { return object_.Get(key); }

std::string Arguments::text(const char* key) const {
  const Napi::Value member = object_.Get(key);
  if (!member.IsString()) bad(path(key) + " must be a string");
  return member.As<Napi::String>();
}

std::string Arguments::text(const char* key, const std::string& otherwise) const {
  return has(key) ? text(key) : otherwise;
}

double Arguments::number(const char* key) const {
  const Napi::Value member = object_.Get(key);
  const double value = member.IsNumber() ? member.As<Napi::Number>().DoubleValue() : NAN;
  if (!std::isfinite(value)) bad(path(key) + " must be a finite number");
  return value;
}

int64_t Arguments::whole(const char* key, int64_t minimum) const {
  const double value = number(key);
  if (value != std::floor(value) || value < static_cast<double>(minimum) || value > 2147483647.0)
    bad(path(key) + " must be a whole number of at least " + std::to_string(minimum));
  return static_cast<int64_t>(value);
}

bool Arguments::flag(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const Napi::Value member = object_.Get(key);
  if (!member.IsBoolean()) bad(path(key) + " must be true or false");
  return member.As<Napi::Boolean>();
}

size_t Arguments::choice(const char* key, std::initializer_list<const char*> words) const {
  const std::string value = text(key);
  std::string all;
  size_t i = 0;
  for (const char* word : words) {
    if (value == word) return i;
    all += (i++ ? ", " : "") + std::string(word);
  }
  throw Error("SAM_BAD_ARGUMENT", std::string(key) + " must be one of " + all + ", not '" + value + "'");
}

std::vector<std::string> Arguments::texts(const char* key) const {
  const Napi::Value member = object_.Get(key);
  if (!member.IsArray()) bad(path(key) + " must be an array of strings");
  const auto array = member.As<Napi::Array>();
  std::vector<std::string> all;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array[i];
    if (!item.IsString()) bad(path(key) + " must be an array of strings");
    all.push_back(item.As<Napi::String>());
  }
  return all;
}

Arguments Arguments::object(const char* key) const { return {object_.Get(key), path(key).c_str()}; }

const void* Arguments::typed(const char* key, napi_typedarray_type type, const char* type_name,
                             at::IntArrayRef shape) const {
  const Napi::Value member = object_.Get(key);
  if (!member.IsTypedArray() || member.As<Napi::TypedArray>().TypedArrayType() != type)
    bad(path(key) + " must be a " + type_name);
  const auto array = member.As<Napi::TypedArray>();
  if (array.ElementLength() != product(shape))
    throw Error("SAM_BAD_SHAPE", path(key) + " has " + std::to_string(array.ElementLength()) +
                                     " elements, expected " + shape_text(shape));
  return elements_of(array, path(key));
}

at::Tensor Arguments::floats(const char* key, at::IntArrayRef shape) const {
  const auto* data = static_cast<const float*>(typed(key, napi_float32_array, "Float32Array", shape));
  const size_t count = product(shape);
  for (size_t i = 0; i < count; ++i)
    if (!std::isfinite(data[i]))
      bad(path(key) + " holds a number that is not finite, at " + std::to_string(i));
  at::Tensor tensor = at::empty(shape, at::kFloat);
  if (count > 0) std::memcpy(tensor.data_ptr(), data, count * sizeof(float));
  return tensor;
}

at::Tensor Arguments::ints(const char* key, at::IntArrayRef shape) const {
  const auto* data = static_cast<const int32_t*>(typed(key, napi_int32_array, "Int32Array", shape));
  at::Tensor tensor = at::empty(shape, at::kInt);
  if (tensor.numel() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
  return tensor.to(at::kLong);
}

at::Tensor Arguments::bytes(const char* key, at::IntArrayRef shape) const {
  const void* data = typed(key, napi_uint8_array, "Uint8Array", shape);
  at::Tensor tensor = at::empty(shape, at::kByte);
  if (tensor.numel() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
  return tensor;
}

Napi::Float32Array to_float32(Napi::Env env, const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
  return copy_out<Napi::Float32Array>(env, dense.data_ptr<float>(), static_cast<size_t>(dense.numel()));
}

Napi::Float64Array to_float64(Napi::Env env, const std::vector<double>& values) {
  return copy_out<Napi::Float64Array>(env, values.data(), values.size());
}

Napi::Uint8Array to_uint8(Napi::Env env, const at::Tensor& tensor) {
  const at::Tensor dense = tensor.cpu().contiguous();
  return copy_out<Napi::Uint8Array>(env, dense.data_ptr<uint8_t>(), static_cast<size_t>(dense.numel()));
}

at::Tensor floats_of(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array)
    bad(std::string(name) + " must be a Float32Array");
  const auto array = value.As<Napi::TypedArray>();
  at::Tensor tensor = at::empty({static_cast<int64_t>(array.ElementLength())}, at::kFloat);
  const void* data = elements_of(array, name);
  if (tensor.numel() > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
  return tensor;
}

}  // namespace sam::binding
