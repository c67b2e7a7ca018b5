// LibTorch's CUDA half at run time: programs are linked against the CPU library alone, and the CUDA library
// of the same LibTorch is loaded when a GPU is asked for. No CUDA header, no toolkit.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sam {

// Loads libtorch_cuda beside the libtorch_cpu in use; false where that LibTorch has none. Once a process.
bool load_cuda_library();

// The loader's words, where the library is there but would not load; else empty.
const std::string& cuda_library_failure();

// NVIDIA's libraries, as wheels lay them out around LibTorch's `lib`, that must be in memory before
// libtorch_cuda is.
std::vector<std::filesystem::path> cuda_dependencies(const std::filesystem::path& libtorch_lib);

}  // namespace sam
