#include "storage/embedding_cache.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "error.h"
#include "model/frame.h"
#include "storage/checksum.h"
#include "storage/file.h"

namespace sam {
namespace {

namespace fs = std::filesystem;

constexpr std::array<int64_t, 3> kShape = {kEmbeddingDim, kEmbeddingSize, kEmbeddingSize};
constexpr int64_t kNumbers = kShape[0] * kShape[1] * kShape[2];
constexpr const char* kExtension = ".safetensors";

// A checksum as the shard's metadata has it: 16 hexadecimal digits.
std::string checksum_text(uint64_t checksum) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(checksum));
  return text;
}

std::optional<uint64_t> parse_checksum(const std::string& text) {
  uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// Unique among processes and over time; the number of entries is for `cache ls`.
std::string shard_name(const std::string& first_key, size_t entries) {
  static std::atomic<unsigned> counter{0};
  return first_key.substr(0, 16) + "-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + "-" +
         std::to_string(entries) + kExtension;
}

}  // namespace

EmbeddingCache::EmbeddingCache(std::string directory, at::ScalarType dtype, bool pinned)
    : directory_(std::move(directory)), dtype_(dtype), pinned_(pinned) {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) throw Error("SAM_IO", "cannot make the cache folder " + directory_ + ": " + error.message());
  for (const auto& item : fs::directory_iterator(directory_, error))
    if (item.path().extension() == kExtension) add_shard(item.path().string());
  if (error) throw Error("SAM_IO", "cannot read the cache folder " + directory_ + ": " + error.message());
}

void EmbeddingCache::add_shard(const std::string& path) {
  SafetensorsHeader header;
  try {
    header = read_safetensors_header(path);
  } catch (const Error& error) {
    // Another process may have evicted it meanwhile; a damaged one is no use to anybody.
    if (error.code == "SAM_BAD_CHECKPOINT") ::unlink(path.c_str());
    return;
  }
  const auto shard = std::make_shared<Shard>(Shard{path, {}});
  const std::lock_guard lock(mutex_);
  for (const TensorEntry& tensor : header.tensors) {
    const auto text = header.metadata.find(tensor.name);
    if (text == header.metadata.end() || tensor.dtype != dtype_ || tensor.bytes != entry_bytes()) continue;
    const auto checksum = parse_checksum(text->second);
    if (!checksum) continue;
    const Digest digest = digest_of(tensor.name);
    entries_.insert_or_assign(digest, Entry{shard, tensor.offset, *checksum});
    shard->keys.push_back(digest);
  }
}

EmbeddingCache::Digest EmbeddingCache::digest_of(const std::string& key) {
  // 128 bits: the key forwards and backwards.
  const std::string reversed(key.rbegin(), key.rend());
  return {xxh64(key.data(), key.size()), xxh64(reversed.data(), reversed.size())};
}

uint64_t EmbeddingCache::entry_bytes() const { return kNumbers * c10::elementSize(dtype_); }

bool EmbeddingCache::has(const std::string& key) const {
  const Digest digest = digest_of(key);
  const std::lock_guard lock(mutex_);
  return entries_.contains(digest) || pending_.contains(key);
}

size_t EmbeddingCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size() + pending_.size();
}

bool EmbeddingCache::read_entry(const Entry& entry, const at::Tensor& into) {
  const uint64_t bytes = entry_bytes();
  const bool as_stored = into.scalar_type() == dtype_;
  if (!as_stored) buffer_.resize(bytes);
  void* const data = as_stored ? into.mutable_data_ptr() : buffer_.data();
  try {
    ReadFile(entry.shard->path).read(data, bytes, entry.offset);
  } catch (const Error&) {
    return false;
  }
  if (xxh64(data, bytes) != entry.checksum) return false;
  if (!as_stored) into.copy_(at::from_blob(data, kShape, at::TensorOptions().dtype(dtype_)));
  return true;
}

void EmbeddingCache::forget_shard(const std::shared_ptr<const Shard>& shard) {
  const std::lock_guard lock(mutex_);
  for (const Digest& key : shard->keys) {
    const auto found = entries_.find(key);
    // Another shard may hold it too.
    if (found != entries_.end() && found->second.shard == shard) entries_.erase(found);
  }
  ::unlink(shard->path.c_str());
}

at::Tensor EmbeddingCache::read(const std::vector<std::string>& keys) {
  const std::lock_guard io(io_mutex_);
  at::Tensor out = at::empty({static_cast<int64_t>(keys.size()), kShape[0], kShape[1], kShape[2]},
                             at::TensorOptions().dtype(pinned_ ? dtype_ : at::kFloat).pinned_memory(pinned_));
  std::vector<std::string> lost;
  for (size_t i = 0; i < keys.size(); ++i) {
    const at::Tensor into = out[static_cast<int64_t>(i)];
    const auto found = entries_.find(digest_of(keys[i]));
    if (const auto pending = pending_.find(keys[i]); pending != pending_.end()) {
      into.copy_(pending->second);
    } else if (found == entries_.end()) {
      // Gone with a shard that this very call found damaged, or never there.
      if (lost.empty()) throw Error("SAM_BAD_ARGUMENT", "the embedding cache has no entry " + keys[i]);
      lost.push_back(keys[i]);
    } else if (const Entry entry = found->second; !read_entry(entry, into)) {
      forget_shard(entry.shard);
      lost.push_back(keys[i]);
    }
  }
  if (lost.empty()) return out;
  Error error("SAM_CACHE_DAMAGED", "the embedding cache in " + directory_ + " is damaged: " +
                                       std::to_string(lost.size()) + " embeddings must be made again");
  error.keys = std::move(lost);
  throw error;
}

void EmbeddingCache::write(const std::string& key, const at::Tensor& embedding) {
  if (embedding.numel() != kNumbers)
    throw Error("SAM_BAD_SHAPE", "an embedding of the cache is 1 x 256 x 64 x 64");
  const at::Tensor stored = embedding.reshape(kShape).to(at::kCPU, dtype_).contiguous().clone();
  const std::lock_guard io(io_mutex_);
  {
    const std::lock_guard lock(mutex_);
    pending_[key] = stored;
  }
  if (pending_.size() >= kShardEntries) write_pending();
}

void EmbeddingCache::flush() {
  const std::lock_guard io(io_mutex_);
  write_pending();
}

void EmbeddingCache::write_pending() {
  if (pending_.empty()) return;
  Metadata checksums;
  for (const auto& [key, tensor] : pending_)
    checksums[key] = checksum_text(xxh64(tensor.data_ptr(), tensor.nbytes()));
  const std::string path =
      (fs::path(directory_) / shard_name(pending_.begin()->first, pending_.size())).string();
  write_safetensors(path, pending_, checksums);
  add_shard(path);
  const std::lock_guard lock(mutex_);
  pending_.clear();
}

void EmbeddingCache::export_to(const std::string& path, const std::vector<std::string>& keys,
                               const std::vector<std::string>& names) {
  SafetensorsWriter writer(path);
  for (const std::string& name : names) writer.declare(name, at::kFloat, kShape);
  writer.begin();
  for (const std::string& key : keys) writer.append(read({key})[0].to(at::kFloat));
  writer.commit();
}

}  // namespace sam
