#include "binding/cuda.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <filesystem>

#include "error.h"

namespace sam::binding {
namespace {

// The folder of the LibTorch in use: where a symbol of it lies.
std::filesystem::path libtorch_folder() {
  Dl_info where{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &where) == 0 || where.dli_fname == nullptr)
    return {};
  return std::filesystem::path(where.dli_fname).parent_path();
}

// The driver's C interface (cuda.h, "Device Management"), whose ABI is stable; resolved by name.
class Driver {
 public:
  Driver() : library_(dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    const auto init = find<int (*)(unsigned)>("cuInit");
    ready_ = init && init(0) == 0 && find_all();
  }
  // Never closed: the driver doesn't survive being unloaded.

  std::vector<CudaDevice> devices() const {
    std::vector<CudaDevice> all;
    int count = 0;
    if (!ready_ || count_(&count) != 0) return all;
    for (int i = 0; i < count; ++i) {
      int handle = 0, major = 0, minor = 0;
      size_t memory = 0;
      char name[128] = {};
      if (get_(&handle, i) != 0) continue;
      name_(name, sizeof name - 1, handle);
      memory_(&memory, handle);
      attribute_(&major, kCapabilityMajor, handle);
      attribute_(&minor, kCapabilityMinor, handle);
      all.push_back({name, memory, std::to_string(major) + "." + std::to_string(minor)});
    }
    return all;
  }

 private:
  static constexpr int kCapabilityMajor = 75,
                       kCapabilityMinor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*

  template <typename Function>
  Function find(const char* name) const {
    return library_ ? reinterpret_cast<Function>(dlsym(library_, name)) : nullptr;
  }

  bool find_all() {
    count_ = find<int (*)(int*)>("cuDeviceGetCount");
    get_ = find<int (*)(int*, int)>("cuDeviceGet");
    name_ = find<int (*)(char*, int, int)>("cuDeviceGetName");
    memory_ = find<int (*)(size_t*, int)>("cuDeviceTotalMem_v2");
    attribute_ = find<int (*)(int*, int, int)>("cuDeviceGetAttribute");
    return count_ && get_ && name_ && memory_ && attribute_;
  }

  void* library_;
  bool ready_ = false;
  int (*count_)(int*) = nullptr;
  int (*get_)(int*, int) = nullptr;
  int (*name_)(char*, int, int) = nullptr;
  int (*memory_)(size_t*, int) = nullptr;
  int (*attribute_)(int*, int, int) = nullptr;
};

std::string load_failure;  // the loader's words, if the library is there but would not load

}  // namespace

bool load_cuda_library() {
  static const bool loaded = [] {
    const std::filesystem::path library = libtorch_folder() / "libtorch_cuda.so";
    std::error_code error;
    if (!std::filesystem::exists(library, error)) return false;
    if (dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return true;
    if (const char* reason = dlerror()) load_failure = reason;
    return false;
  }();
  return loaded;
}

// LibTorch looks for its CUDA half once, at the first question: so not before the library is loaded. The
// first convolution and the first backward pass ask too.
bool cuda_available() { return load_cuda_library() && at::detail::getCUDAHooks().deviceCount() > 0; }

std::vector<CudaDevice> cuda_devices() {
  static const Driver* driver = new Driver();
  return driver->devices();
}

void require_cuda(int index) {
  const size_t present = cuda_devices().size();
  if (!load_cuda_library()) {
    const std::string why =
        load_failure.empty() ? "this LibTorch is a CPU build" : "LibTorch's CUDA library does not load";
    throw Error("SAM_NO_CUDA",
                "no GPU can be used: " + why + " (GPUs present: " + std::to_string(present) + ")",
                load_failure);
  }
  if (!cuda_available()) {
    if (present == 0) throw Error("SAM_NO_CUDA", "no GPU can be used: CUDA libraries found, no device");
    const bool late = !at::detail::getCUDAHooks().hasCUDART();
    throw Error(
        "SAM_NO_CUDA",
        late ? "too late for a GPU: this process has computed on the CPU before it first asked for one, "
               "and LibTorch looks for its CUDA library only once"
             : "no GPU can be used: CUDA libraries found, but not for this GPU or its driver");
  }
  if (index >= at::detail::getCUDAHooks().deviceCount())
    throw Error("SAM_NO_CUDA", "there is no GPU " + std::to_string(index) + ": this machine has " +
                                   std::to_string(at::detail::getCUDAHooks().deviceCount()));
}

}  // namespace sam::binding
