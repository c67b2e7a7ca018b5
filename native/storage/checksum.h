// XXH64 (https://github.com/Cyan4973/xxHash, doc/xxhash_spec.md): tells a damaged embedding at memory speed.
#pragma once

#include <cstdint>

namespace sam {

uint64_t xxh64(const void* data, uint64_t bytes);

}  // namespace sam
