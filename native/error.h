// Errors with a stable code. The binding turns them into JavaScript errors; plain programs print them.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sam {

// `code` is one of NativeErrorCode in binding.d.ts; `detail` holds another library's own words.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message, std::string detail = {})
      : std::runtime_error(message), code(std::move(code)), detail(std::move(detail)) {}

  std::string code;
  std::string detail;
  std::vector<std::string> keys;  // the cache keys that a SAM_CACHE_DAMAGED names
  int system = 0;                 // errno, where a SAM_IO is the system's refusal
};

}  // namespace sam
