// A zip archive of LibTorch's on its way to disk.
#pragma once

#include <cstddef>
#include <exception>
#include <string>

#include "storage/file.h"

namespace sam {

// LibTorch's writers end their archive when they are destroyed, also while an error is on its way: a second
// one there would end the process. So a failure is kept, what comes after it is dropped, and `check` throws.
class ArchiveFile {
 public:
  explicit ArchiveFile(const std::string& path) : file_(path) {}

  size_t write(const void* data, size_t bytes) noexcept {
    try {
      if (!failure_) file_.write(data, bytes);
    } catch (...) {
      failure_ = std::current_exception();
    }
    return bytes;
  }

  // Throws SAM_IO, where something could not be written so far.
  void check() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  void commit() {
    check();
    file_.commit();
  }

 private:
  AtomicFile file_;
  std::exception_ptr failure_;
};

}  // namespace sam
