#include "device/cuda_library.h"

#include <ATen/Context.h>
#include <dlfcn.h>

#include <algorithm>

namespace sam {
namespace {

namespace fs = std::filesystem;

std::string load_failure;

// The folder of the LibTorch in use: where a symbol of it lies.
fs::path libtorch_folder() {
  Dl_info where{};
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &where) == 0 || where.dli_fname == nullptr)
    return {};
  return fs::path(where.dli_fname).parent_path();
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    all.push_back(item->path());
  std::sort(all.begin(), all.end());
  return all;
}

bool load() {
  const fs::path folder = libtorch_folder(), library = folder / "libtorch_cuda.so";
  std::error_code error;
  if (!fs::exists(library, error)) return false;
  for (const fs::path& needed : cuda_dependencies(folder)) dlopen(needed.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    if (const char* reason = dlerror()) load_failure = reason;
    return false;
  }
  // On Hopper and later LibTorch prefers cuDNN's attention, which compiles itself at run time, anew for each
  // shape: attention over SAM's ten tokens has nothing to gain from it.
  at::globalContext().setSDPUseCuDNN(false);
  return true;
}

}  // namespace

// Some of them load others by their bare names at run time (cuDNN NVRTC, NVRTC its builtins), which finds
// only what is loaded already: Python's torch loads them beforehand too, in this order (torch/__init__.py,
// _preload_cuda_deps).
std::vector<fs::path> cuda_dependencies(const fs::path& libtorch_lib) {
  std::vector<fs::path> files = entries(libtorch_lib), found;  // a zip of LibTorch has them beside it
  for (const fs::path& package : entries(libtorch_lib.parent_path().parent_path() / "nvidia"))
    for (const fs::path& file : entries(package / "lib")) files.push_back(file);
  for (const char* name : {"libcublasLt.so.", "libcublas.so.", "libcudnn.so.", "libnvrtc.so.",
                           "libnvrtc-builtins.so.", "libnvJitLink.so."}) {
    const auto file = std::find_if(files.begin(), files.end(), [&](const fs::path& candidate) {
      return candidate.filename().string().starts_with(name);
    });
    if (file != files.end()) found.push_back(*file);
  }
  return found;
}

bool load_cuda_library() {
  static const bool loaded = load();
  return loaded;
}

const std::string& cuda_library_failure() { return load_failure; }

}  // namespace sam
