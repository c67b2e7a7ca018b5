// Image embeddings on disk: safetensors shards in one directory, each written once, whole, under its own
// name, so that several processes may fill it together. Every embedding carries its XXH64 in the shard's
// metadata.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/safetensors.h"

namespace sam {

// All members may be called from any thread.
class EmbeddingCache {
 public:
  static constexpr size_t kShardEntries = 16;

  // Makes the directory, reads the headers of its shards, deletes those that cannot be read. `dtype`: kHalf
  // or kFloat. `pinned`: embeddings are read, as they are stored, into page-locked memory, which a GPU
  // copies without anybody waiting, and converts.
  EmbeddingCache(std::string directory, at::ScalarType dtype, bool pinned = false);

  bool has(const std::string& key) const;
  size_t size() const;

  // keys.size() x 256 x 64 x 64, fp32 (`pinned`: as stored). Where a checksum fails or a shard is gone, the
  // shard's keys are forgotten, its file is deleted, and SAM_CACHE_DAMAGED names the keys asked for that must
  // be made again. SAM_BAD_ARGUMENT: an unknown key.
  at::Tensor read(const std::vector<std::string>& keys);

  // Embedding of one image, 1 x 256 x 64 x 64. Kept in memory until a shard is full or `flush`.
  void write(const std::string& key, const at::Tensor& embedding);
  void flush();

  // Streams embeddings into one safetensors file, fp32, 256 x 64 x 64 each, under `names`.
  void export_to(const std::string& path, const std::vector<std::string>& keys,
                 const std::vector<std::string>& names);

 private:
  // Stands for a key, so that 100,000 of them take 9 MB: as texts they took 25.
  using Digest = std::array<uint64_t, 2>;
  struct DigestHash {
    size_t operator()(const Digest& digest) const noexcept { return digest[0]; }
  };
  struct Shard {
    std::string path;
    std::vector<Digest> keys;
  };
  struct Entry {
    std::shared_ptr<const Shard> shard;
    uint64_t offset = 0;
    uint64_t checksum = 0;
  };

  static Digest digest_of(const std::string& key);
  uint64_t entry_bytes() const;
  void add_shard(const std::string& path);
  void forget_shard(const std::shared_ptr<const Shard>& shard);
  void write_pending();
  // False where the stored bytes are damaged or gone.
  bool read_entry(const Entry& entry, const at::Tensor& into);

  const std::string directory_;
  const at::ScalarType dtype_;
  const bool pinned_;
  // One operation on files at a time. The maps change only within one, each time under `mutex_` too, which is
  // never held while a file is touched: `has` and `size` are called where nothing may wait.
  std::mutex io_mutex_;
  mutable std::mutex mutex_;
  std::unordered_map<Digest, Entry, DigestHash> entries_;
  StateDict pending_;
  std::vector<char> buffer_;  // one stored embedding, reused
};

}  // namespace sam
