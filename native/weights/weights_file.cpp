#include "weights/weights_file.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "error.h"
#include "storage/file.h"
#include "storage/json.h"
#include "storage/safetensors.h"
#include "weights/pickle_reader.h"

namespace sam {
namespace {

bool is_index(const std::string& path) { return path.ends_with(".index.json"); }

constexpr uint64_t kMaxIndexBytes = 16'000'000;
constexpr std::string_view kZip = "PK\x03\x04";
// A pickle of protocol 2, bare: torch.save before PyTorch 1.6.
constexpr std::string_view kBarePickle = "\x80\x02";

class SafetensorsFile final : public WeightsFile {
 public:
  // Header and numbers by one descriptor: the file may be replaced meanwhile.
  explicit SafetensorsFile(std::shared_ptr<const ReadFile> file) : file_(std::move(file)) {
    for (TensorEntry& entry : read_safetensors_header(*file_).tensors) {
      tensors_[entry.name] = {entry.dtype, entry.shape};
      entries_[entry.name] = std::move(entry);
    }
  }

  at::Tensor read(const std::string& name) override { return read_tensor(*file_, entries_.at(name)); }

 private:
  std::shared_ptr<const ReadFile> file_;
  std::map<std::string, TensorEntry> entries_;
};

// `{"weight_map": {tensor: file}}`, as transformers writes it.
class ShardedFile final : public WeightsFile {
 public:
  explicit ShardedFile(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    for (const auto& [name, shard] : read_map(path)) {
      if (std::max(name.size(), shard.size()) > kMostNameBytes)
        bad(path, "a name in it has " + std::to_string(std::max(name.size(), shard.size())) + " bytes");
      if (shard.find('/') != std::string::npos || shard.empty())
        bad(path, "'" + shard + "' is not the name of a file beside it");
      if (is_index(shard)) bad(path, "it names another index, " + shard);
      std::error_code unknown;  // whatever it is, opening the file says it better
      if (!std::filesystem::exists(folder / shard, unknown) && !unknown)
        throw Error("SAM_BAD_CHECKPOINT",
                    path + " names " + shard + ", which is not beside it; get the folder again, whole");
      auto& file = shards_[shard];
      if (!file) file = open_weights((folder / shard).string());
      const auto found = file->tensors().find(name);
      if (found == file->tensors().end()) bad(path, "tensor " + name + " is not in " + shard);
      tensors_[name] = found->second;
      files_[name] = file.get();
    }
  }

  at::Tensor read(const std::string& name) override { return files_.at(name)->read(name); }

 private:
  [[noreturn]] static void bad(const std::string& path, const std::string& what) {
    throw Error("SAM_BAD_CHECKPOINT", path + " is not the index of sharded weights: " + what);
  }

  static std::map<std::string, std::string> read_map(const std::string& path) {
    const ReadFile file(path);
    if (file.size() > kMaxIndexBytes) bad(path, "it is " + std::to_string(file.size()) + " bytes long");
    std::string text(file.size(), '\0');
    file.read(text.data(), text.size(), 0);
    std::map<std::string, std::string> shards;
    try {
      const Json root = parse_json(text);
      for (const auto& [name, shard] : root.object.at("weight_map").object) shards[name] = shard.string;
    } catch (const std::out_of_range&) {
      bad(path, "it has no weight_map");
    } catch (const std::invalid_argument& error) {
      bad(path, error.what());
    }
    if (shards.empty()) bad(path, "its weight_map is empty");
    return shards;
  }

  std::map<std::string, std::unique_ptr<WeightsFile>> shards_;
  std::map<std::string, WeightsFile*> files_;
};

bool begins_with(const ReadFile& file, std::string_view magic) {
  std::string start(std::min<uint64_t>(magic.size(), file.size()), '\0');
  file.read(start.data(), start.size(), 0);
  return start == magic;
}

// Its header, an object, begins behind 8 bytes of length.
bool looks_like_safetensors(const ReadFile& file) {
  char start[9] = {};
  if (file.size() < sizeof start) return false;
  file.read(start, sizeof start, 0);
  return start[8] == '{';
}

}  // namespace

std::unique_ptr<WeightsFile> open_weights(const std::string& path) {
  if (is_index(path)) return std::make_unique<ShardedFile>(path);
  auto file = std::make_shared<const ReadFile>(path);
  if (begins_with(*file, kZip)) return open_pickle(std::move(file));
  if (begins_with(*file, kBarePickle))
    throw Error("SAM_BAD_CHECKPOINT", path +
                                          " is in the format of PyTorch before 1.6: load it there and "
                                          "torch.save its state dict again");
  if (!path.ends_with(".safetensors") && !looks_like_safetensors(*file))
    throw Error("SAM_BAD_CHECKPOINT",
                path +
                    " is not a file of weights: neither safetensors nor what torch.save "
                    "(PyTorch 1.6 or later) writes; name another, or download it again");
  return std::make_unique<SafetensorsFile>(std::move(file));
}

ArchiveKind archive_kind(const std::string& path) {
  auto file = std::make_shared<const ReadFile>(path);
  if (!begins_with(*file, kZip)) return ArchiveKind::kNone;
  try {
    return open_archive(std::move(file))->hasRecord("constants.pkl") ? ArchiveKind::kTorchScript
                                                                     : ArchiveKind::kOther;
  } catch (const c10::Error&) {
    return ArchiveKind::kDamaged;
  }
}

}  // namespace sam
