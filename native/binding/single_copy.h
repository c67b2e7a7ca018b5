// One copy of the addon in a process. Two files of it, say of two packages in node_modules, would share one
// LibTorch: its allocator, and memory that one took and the other frees.
#pragma once

namespace sam::binding {

// SAM_SECOND_COPY if another file of the addon is loaded in this process.
void require_single_copy();

}  // namespace sam::binding
