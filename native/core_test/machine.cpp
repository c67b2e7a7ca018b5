#include "core_test/machine.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <fstream>

#include "device/cuda_driver.h"

namespace sam::core_test {
namespace {

constexpr size_t kBothPools = 0;  // of the allocator: large and small blocks together

// The first line of a file; empty where there is none.
std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string libtorch_file() {
  Dl_info where{};
  return dladdr(reinterpret_cast<void*>(&at::globalContext), &where) != 0 && where.dli_fname != nullptr
             ? where.dli_fname
             : "";
}

}  // namespace

std::vector<NamedType> half_types(at::Device device) {
  std::vector<NamedType> types = {{"bf16", at::kBFloat16}};
  if (device.is_cuda()) types.emplace_back("fp16", at::kHalf);
  return types;
}

std::vector<NamedType> all_types(at::Device device) {
  std::vector<NamedType> types = half_types(device);
  types.insert(types.begin(), {"fp32", at::kFloat});
  return types;
}

void synchronize(at::Device device) {
  if (device.is_cuda()) at::accelerator::synchronizeDevice(device.index());
}

void describe_machine(at::Device device, Report& report) {
  report.fact("libtorch", libtorch_file());
  report.fact("threads", std::to_string(at::get_num_threads()));
  if (device.is_cpu()) {
    report.fact("cpu-capability", at::get_cpu_capability());
    return;
  }
  const auto cards = cuda_devices();
  if (const auto index = static_cast<size_t>(device.index()); index < cards.size()) {
    report.fact("card", cards[index].name);
    report.fact("capability", cards[index].capability);
  }
  const auto& hooks = at::detail::getCUDAHooks();
  report.fact("gpus", std::to_string(hooks.deviceCount()));
  report.fact("cuda-runtime", std::to_string(hooks.versionCUDART()));
  report.fact("driver", first_line("/proc/driver/nvidia/version"));
  report.fact("cudnn", hooks.hasCuDNN() ? std::to_string(hooks.versionRuntimeCuDNN()) : "none");
  report.fact("cudnn-attention", at::globalContext().userEnabledCuDNNSDP() ? "allowed" : "off");
  report.fact("cuda-build", hooks.showConfig());
  const auto [free, total] = at::accelerator::getMemoryInfo(device.index());
  report.measure("memory-total", static_cast<double>(total) / (1 << 30), "GiB");
  report.measure("memory-free-before", static_cast<double>(free) / (1 << 30), "GiB");
}

void reset_peak_memory(at::Device device) {
  if (device.is_cuda()) at::accelerator::resetPeakStats(device.index());
}

double peak_memory_gib(at::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(device.index());
  return static_cast<double>(stats.allocated_bytes[kBothPools].peak) / (1 << 30);
}

}  // namespace sam::core_test
