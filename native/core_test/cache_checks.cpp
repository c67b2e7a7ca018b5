// The cache of embeddings as training reads it: into page-locked memory, which a GPU copies while the
// program goes on and reads the next ones into it.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <random>

#include "core_test/checks.h"
#include "storage/embedding_cache.h"

namespace sam::core_test {
namespace {

constexpr int64_t kReadAtOnce = 4;

// A folder of a random name that goes with its scope.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("sam_core_test-" + std::to_string(std::random_device{}()))) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string key_of(int64_t i) { return "embedding-" + std::to_string(i); }

}  // namespace

void check_cache(const Context& context) {
  const at::NoGradGuard no_grad;
  const int64_t count = 8, rounds = context.device.is_cpu() ? 8 : 200;
  const TemporaryFolder folder;
  EmbeddingCache cache(folder.path(), at::kHalf, /*pinned=*/context.device.is_cuda());
  for (int64_t i = 0; i < count; ++i)
    cache.write(key_of(i), (context.embeddings.narrow(0, i % context.embeddings.size(0), 1) + i).cpu());
  cache.flush();

  const auto summed = [](const at::Tensor& embeddings) { return embeddings.to(at::kFloat).sum(1); };
  // One after another, each waited for.
  std::vector<at::Tensor> expected;
  for (int64_t i = 0; i < count; ++i)
    expected.push_back(summed(cache.read({key_of(i)}).to(context.device)).squeeze(0));
  std::vector<at::Tensor> sums, wanted;
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<std::string> keys;
    for (int64_t i = 0; i < kReadAtOnce; ++i) {
      const int64_t chosen = (round * 3 + i * (1 + round % 5)) % count;
      keys.push_back(key_of(chosen));
      wanted.push_back(expected[static_cast<size_t>(chosen)]);
    }
    // Read, sent, and dropped at once.
    sums.push_back(summed(cache.read(keys).to(context.device, /*non_blocking=*/true)));
  }
  context.report->check("cache/" + std::to_string(rounds) + "-rounds",
                        difference(at::cat(sums), at::stack(wanted)), 1e-3);
}

}  // namespace sam::core_test
