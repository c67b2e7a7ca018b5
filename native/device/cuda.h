// Whether LibTorch can compute on a GPU here.
#pragma once

#include <optional>
#include <string>

namespace sam {

// LibTorch can compute on a GPU now.
bool cuda_available();

// CUDA's words where GPU `index` does not compute (no kernels for it in this LibTorch, memory full, …);
// nothing where it does. The first time it makes CUDA's context there, which takes memory of the GPU.
std::optional<std::string> cuda_problem(int index);

// SAM_NO_CUDA, saying what is missing, unless GPU `index` computes.
void require_cuda(int index);

}  // namespace sam
