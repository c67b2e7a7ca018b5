#include "memory/block_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <unordered_map>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace sam {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// Smaller blocks stay with malloc, which is good at them.
constexpr size_t kSmallest = size_t{1} << 20;

// As long as the most that was in use is remembered, at least; twice that at most. Longer than a step.
constexpr std::chrono::seconds kMemory{5};

size_t round_up(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

// A free block may be this much larger than what is asked for.
size_t largest_fit(size_t bytes) { return bytes + bytes / 4; }

class BlockAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    if (bytes < kSmallest) return small_->allocate(bytes);
    void* block = take(round_up(bytes));
    return {block, block, &release, c10::Device(c10::DeviceType::CPU)};
  }

  // For callers that keep the bare pointer (oneDNN's scratch memory): it may be a block, or malloc's.
  c10::DeleterFnPtr raw_deleter() const override {
    return [](void* memory) {
      if (!instance().keep(memory)) instance().small_->raw_deleter()(memory);
    };
  }

  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  BlockMemory memory() {
    const std::lock_guard lock(mutex_);
    return {in_use_, kept_};
  }

  void unmap_free() {
    const std::lock_guard lock(mutex_);
    earlier_peak_ = peak_ = in_use_;
    unmap_down_to(in_use_);
  }

  static BlockAllocator& instance() {
    static auto* allocator = new BlockAllocator();  // outlives every tensor
    return *allocator;
  }

 private:
  static void release(void* block) { (void)instance().keep(block); }

  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    forget_old_peak();
    const auto found = free_.lower_bound(bytes);
    void* block;
    if (found != free_.end() && found->first <= largest_fit(bytes)) {
      block = found->second;
      kept_ -= found->first;
      bytes = found->first;
      free_.erase(found);
    } else {
      make_room(bytes);
      block = map(bytes);
    }
    sizes_[block] = bytes;
    in_use_ += bytes;
    peak_ = std::max(peak_, in_use_);
    return block;
  }

  // False for memory that is not a block.
  bool keep(void* block) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return false;
    in_use_ -= found->second;
    kept_ += found->second;
    free_.emplace(found->second, block);
    sizes_.erase(found);
    return true;
  }

  // All that is mapped stays within an eighth of the most that was lately in use at once.
  void make_room(size_t bytes) {
    const size_t peak = std::max({earlier_peak_, peak_, in_use_ + bytes});
    unmap_down_to(peak + peak / 8 - bytes);
  }

  void forget_old_peak() {
    const auto now = std::chrono::steady_clock::now();
    if (now < remembered_until_) return;
    // Where nothing was asked for since, the peak is that of the time before.
    earlier_peak_ = now < remembered_until_ + kMemory ? peak_ : in_use_;
    peak_ = in_use_;
    remembered_until_ = now + kMemory;
    make_room(0);
  }

  void unmap_down_to(size_t bytes) {
    while (!free_.empty() && in_use_ + kept_ > bytes) {
      const auto largest = std::prev(free_.end());
      munmap(largest->second, largest->first);
      kept_ -= largest->first;
      free_.erase(largest);
    }
  }

  // Aligned to huge pages: one more is mapped, and what sticks out is cut off.
  static void* map(size_t bytes) {
    void* raw = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK_WITH(OutOfMemoryError, raw != MAP_FAILED, "DefaultCPUAllocator: cannot map ", bytes,
                     " bytes");
    auto* const start = static_cast<char*>(raw);
    const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(start) % kHugePage) % kHugePage;
    if (before > 0) munmap(start, before);
    munmap(start + before + bytes, kHugePage - before);
#ifdef MADV_HUGEPAGE
    madvise(start + before, bytes, MADV_HUGEPAGE);
#endif
    return start + before;
  }

  c10::Allocator* small_ = c10::GetDefaultCPUAllocator();
  std::mutex mutex_;
  std::multimap<size_t, void*> free_;
  std::unordered_map<void*, size_t> sizes_;  // of the blocks in use
  size_t in_use_ = 0, kept_ = 0;
  size_t peak_ = 0, earlier_peak_ = 0;  // of this stretch of time and the one before it
  std::chrono::steady_clock::time_point remembered_until_;
};

}  // namespace

void use_block_allocator() {
  const char* choice = std::getenv("SAM_NATIVE_ALLOCATOR");
  if (choice != nullptr && std::string_view(choice) == "system") return;
  static const bool once = [] {
    c10::SetCPUAllocator(&BlockAllocator::instance(), /*priority=*/1);
    return true;
  }();
  (void)once;
}

void return_free_memory() {
  BlockAllocator::instance().unmap_free();
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

BlockMemory block_memory() { return BlockAllocator::instance().memory(); }

}  // namespace sam
