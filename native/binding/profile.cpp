// LibTorch's profiler over all threads of the process.
#include <torch/csrc/autograd/profiler_kineto.h>

#include <mutex>
#include <set>

#include "binding/arguments.h"
#include "binding/errors.h"
#include "binding/functions.h"
#include "binding/lane.h"
#include "binding/prompts.h"
#include "error.h"

namespace sam::binding {
namespace {

namespace profiler = torch::autograd::profiler;

// While it lives no task runs: the profiler's buffers belong to the threads that fill them.
struct Quiet {
  std::lock_guard<Turn> compute{Turn::of(LaneKind::kCompute)};
  std::lock_guard<Turn> data{Turn::of(LaneKind::kData)};
};

bool profiling = false;  // guarded by Quiet

// Nobody asks for the events but the file. LibTorch has the setting since 2.13.
void trace_only(auto& config) {
  if constexpr (requires { config.trace_only; }) config.trace_only = true;
}

}  // namespace

Napi::Value start_profile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Device device = read_device(Arguments(info[0], "options"));
    std::set<profiler::ActivityType> activities{profiler::ActivityType::CPU};
    if (device.is_cuda()) activities.insert(profiler::ActivityType::CUDA);
    torch::profiler::impl::ExperimentalConfig experimental;
    experimental.profile_all_threads = true;
    trace_only(experimental);
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO, /*report_input_shapes=*/false,
                                          /*profile_memory=*/false, /*with_stack=*/false,
                                          /*with_flops=*/false, /*with_modules=*/false, experimental);
    const Quiet quiet;
    if (profiling) throw Error("SAM_BAD_ARGUMENT", "this process is being profiled already");
    profiler::prepareProfiler(config, activities);
    profiler::enableProfiler(config, activities);
    profiling = true;
    return info.Env().Undefined();
  });
}

Napi::Value stop_profile(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string path = Arguments(info[0], "options").text("path");
    const auto result = [] {
      const Quiet quiet;
      if (!profiling) throw Error("SAM_BAD_ARGUMENT", "this process is not being profiled");
      profiling = false;
      return profiler::disableProfiler();
    }();
    result->save(path);
    return info.Env().Undefined();
  });
}

}  // namespace sam::binding
