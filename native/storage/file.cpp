#include "storage/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "error.h"

namespace sam {
namespace {

std::string reason_of(int error) {
  switch (error) {
    case ENOSPC:
      return "the disk is full";
    case EMFILE:
    case ENFILE:
      return "too many files are open: close some, or allow more (ulimit -n)";
    case ESPIPE:
      return "it is not a regular file: write what it gives to one first";
    default:
      return std::strerror(error);
  }
}

[[noreturn]] void fail(const std::string& what, const std::string& path, int error) {
  Error failure("SAM_IO", "cannot " + what + " " + path + ": " + reason_of(error));
  failure.system = error;
  throw failure;
}

// After a rename the directory's entry must reach the disk too; a file system that cannot do that is let off.
void sync_directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// Bytes of a name above which a temporary one does not begin with it: file systems allow 255.
constexpr size_t kLongName = 200;

std::string temporary_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  const std::string begin = path.size() - name > kLongName ? path.substr(0, name) + "long" : path;
  return begin + ".tmp-" + random_digits();
}

}  // namespace

std::string random_digits() {
  uint64_t bits = 0;
  if (::getentropy(&bits, sizeof bits) != 0) throw Error("SAM_IO", "the system gives no random numbers");
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
  return text;
}

// O_NONBLOCK: opening a named pipe would wait until somebody writes to it. Regular files don't mind.
ReadFile::ReadFile(const std::string& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (descriptor_ < 0) fail("read", path, errno);
  struct stat status{};
  int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  if (error == 0 && !S_ISREG(status.st_mode)) error = S_ISDIR(status.st_mode) ? EISDIR : ESPIPE;
  if (error != 0) {
    ::close(descriptor_);
    fail("read", path, error);
  }
  size_ = static_cast<uint64_t>(status.st_size);
}

ReadFile::~ReadFile() { ::close(descriptor_); }

void ReadFile::read(void* into, uint64_t bytes, uint64_t offset) const {
  auto* to = static_cast<char*>(into);
  while (bytes > 0) {
    const ssize_t got = ::pread(descriptor_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path_, errno);
    if (got == 0) throw Error("SAM_IO", "cannot read " + path_ + ": the file is cut short");
    to += got;
    bytes -= static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
  }
}

AtomicFile::AtomicFile(std::string path)
    : path_(std::move(path)),
      temporary_(temporary_name(path_)),
      descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail("write", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, uint64_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::write(descriptor_, from, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("write", path_, errno);
    from += put;
    bytes -= static_cast<uint64_t>(put);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("write", path_, errno);
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0) fail("write", path_, errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("write", path_, errno);
  temporary_.clear();
  sync_directory(path_);
}

}  // namespace sam
