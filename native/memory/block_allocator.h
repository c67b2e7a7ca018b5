// Keeps the big blocks that tensors free, for the tensors that follow. A training step frees and asks again
// for hundreds of megabytes, the same sizes each time; glibc gives such blocks back to the kernel, and the
// next step pays for every page anew (a hundred thousand page faults a step; docs/benchmarks.md). Blocks are
// mapped with huge pages. What was not needed for some seconds goes back to the system, and all of it when a
// model is disposed of.
#pragma once

#include <cstddef>

namespace sam {

// Makes it LibTorch's CPU allocator, for the whole process. Does nothing the second time, or where
// SAM_NATIVE_ALLOCATOR is `system`.
void use_block_allocator();

// Gives the system back what no tensor holds, malloc's free memory too.
void return_free_memory();

struct BlockMemory {
  size_t in_use;  // bytes of blocks that tensors hold
  size_t kept;    // bytes of free blocks
};
BlockMemory block_memory();

}  // namespace sam
