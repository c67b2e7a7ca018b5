#include "device/cuda_driver.h"

#include <dlfcn.h>

namespace sam {
namespace {

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

}  // namespace

std::vector<CudaDevice> cuda_devices() {
  static const Driver* driver = new Driver();
  return driver->devices();
}

}  // namespace sam
