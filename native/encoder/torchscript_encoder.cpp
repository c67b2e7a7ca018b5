#include "encoder/torchscript_encoder.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <optional>
#include <string>
#include <utility>

#include "encoder/move_module.h"
#include "error.h"
#include "model/autocast.h"
#include "model/frame.h"
#include "storage/file.h"
#include "text.h"
#include "weights/finite.h"

namespace sam {
namespace {

constexpr const char* kNeeded = "an encoder's forward must turn N x 3 x 1024 x 1024 into N x 256 x 64 x 64";

// The one line that matters of what LibTorch says: TorchScript puts the code and its place around it.
std::string essence(const std::string& text) {
  constexpr const char* kMark = "RuntimeError: ";
  size_t start = text.rfind(kMark);
  start = start == std::string::npos ? text.find_first_not_of(" \n")
                                     : start + std::char_traits<char>::length(kMark);
  return start == std::string::npos ? "no reason given" : text.substr(start, text.find('\n', start) - start);
}

std::string words(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  return torch ? torch->what_without_backtrace() : error.what();
}

[[noreturn]] void bad_encoder(const std::string& path, const std::string& what,
                              const std::string& detail = {}) {
  throw Error("SAM_BAD_ENCODER", path + " " + what, detail);
}

class TorchScriptEncoder : public ImageEncoder {
 public:
  TorchScriptEncoder(std::string path, torch::jit::Module module, at::Device device, at::ScalarType dtype)
      : path_(std::move(path)), module_(std::move(module)), device_(device), dtype_(dtype) {
    const auto count = module_.find_method("slice_count");
    run_slice_ = module_.find_method("run_slice");
    if (count && run_slice_) {
      const c10::IValue slices = (*count)({});
      if (!slices.isInt() || slices.toInt() < 1)
        bad_encoder(path_, "has a slice_count that is not a positive number");
      slices_ = slices.toInt();
    } else {
      run_slice_.reset();
    }
  }

  // For modules that say a type themselves, as tracing writes it down: what then meets another is converted.
  void mix_types() { product_type_ = dtype_; }

  at::Device device() const override { return device_; }

 protected:
  int64_t layers() const override { return slices_; }

  at::Tensor run_layer(int64_t slice, at::Tensor x) override {
    const c10::InferenceMode inference;
    const Autocast mixing(device_.type(), product_type_);
    if (slice == 0) x = x.to(device_, dtype_);
    const c10::IValue y = run_slice_ ? (*run_slice_)({slice, std::move(x)}) : module_.forward({std::move(x)});
    if (!y.isTensor()) bad_encoder(path_, "gave " + y.tagKind() + ", not a tensor: " + kNeeded);
    return slice + 1 == slices_ ? checked(y.toTensor()) : y.toTensor();
  }

 private:
  at::Tensor checked(const at::Tensor& y) const {
    if (y.dim() != 4 || y.sizes().slice(1) != at::IntArrayRef{kEmbeddingDim, kEmbeddingSize, kEmbeddingSize})
      bad_encoder(path_, "gave a tensor of shape " + shape_text(y.sizes()) + ": " + kNeeded);
    return y.to(at::kFloat).contiguous();
  }

  std::string path_;
  torch::jit::Module module_;
  at::Device device_;
  at::ScalarType dtype_;
  at::ScalarType product_type_ = at::kFloat;  // of autocast; fp32: none
  std::optional<torch::jit::Method> run_slice_;
  int64_t slices_ = 1;
};

torch::jit::Module load_module(const std::string& path) {
  {
    const ReadFile exists(path);
  }  // its SAM_IO is clearer than LibTorch's error
  try {
    torch::jit::Module module = torch::jit::load(path, at::kCPU);
    for (const auto& held : module.named_attributes())
      if (held.value.isTensor() && holds_nan(held.value.toTensor()))
        require_finite(held.value.toTensor(), held.name, path);
    return module;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    bad_encoder(path,
                "is not a TorchScript file, or it is cut short: make one with torch.jit.save "
                "(scripts/export_encoder.py)",
                words(error));
  }
}

// A picture of zeros through all slices. Running out of memory is not the file's fault.
void try_out(ImageEncoder& encoder, const std::string& path) {
  try {
    encoder.encode(at::zeros({1, 3, kModelSize, kModelSize}));
  } catch (const Error&) {
    throw;
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& error) {
    const std::string reason = words(error);
    if (reason.find("can't allocate memory") != std::string::npos) throw;
    bad_encoder(path, "fails on a 1 x 3 x 1024 x 1024 picture (" + essence(reason) + "): " + kNeeded, reason);
  }
}

std::unique_ptr<TorchScriptEncoder> make_encoder(const std::string& path, torch::jit::Module module,
                                                 at::Device device, at::ScalarType dtype) {
  // Not frozen: measured to gain nothing, and it takes as long as several images.
  // Profiling would run the first calls unoptimised and compile the second; an encoder's shapes never change.
  torch::jit::getProfilingMode() = false;
  if (!module.find_method("forward")) bad_encoder(path, std::string("has no forward: ") + kNeeded);
  module.eval();
  move_module(module, device, dtype);
  return std::make_unique<TorchScriptEncoder>(path, std::move(module), device, dtype);
}

}  // namespace

std::unique_ptr<ImageEncoder> torchscript_encoder(const std::string& path, torch::jit::Module module,
                                                  at::Device device, at::ScalarType dtype) {
  return make_encoder(path, std::move(module), device, dtype);
}

std::unique_ptr<ImageEncoder> load_torchscript(const std::string& path, at::Device device,
                                               at::ScalarType dtype, bool check) {
  auto encoder = make_encoder(path, load_module(path), device, dtype);
  if (!check) return encoder;
  try {
    try_out(*encoder, path);
  } catch (const Error&) {
    if (dtype == at::kFloat) throw;
    encoder->mix_types();
    try_out(*encoder, path);
  }
  return encoder;
}

}  // namespace sam
