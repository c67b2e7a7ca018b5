// Whether LibTorch can compute on a GPU here.
#pragma once

namespace sam {

// LibTorch can compute on a GPU now.
bool cuda_available();

// SAM_NO_CUDA, saying which of the three is missing, unless GPU `index` can be used.
void require_cuda(int index);

}  // namespace sam
