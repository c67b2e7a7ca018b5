// Files by descriptor: exact reads, and writes that appear whole or not at all.
#pragma once

#include <cstdint>
#include <string>

namespace sam {

// An open file for reading. Throws SAM_IO with the path and the system's reason, which Error::system has too;
// a file that ends too early has none. Only regular files: a pipe would make its reader wait for a writer.
class ReadFile {
 public:
  explicit ReadFile(const std::string& path);
  ~ReadFile();
  ReadFile(const ReadFile&) = delete;
  ReadFile& operator=(const ReadFile&) = delete;

  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }
  // Exactly `bytes` bytes from `offset` (pread).
  void read(void* into, uint64_t bytes, uint64_t offset) const;

 private:
  std::string path_;
  int descriptor_;
  uint64_t size_ = 0;
};

// 16 hexadecimal digits that nobody else draws. (Numbers of processes do not do for names: in containers that
// share a folder, every process may be number 1.)
std::string random_digits();

// Writes beside `path` under a temporary name; `commit` fsyncs and renames. Without `commit`, or after a
// failure (SAM_IO, a full disk say), the temporary file is removed and `path` is as it was.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, uint64_t bytes);
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_;
};

}  // namespace sam
