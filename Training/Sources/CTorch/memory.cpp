// Memory of tensors on the processor that stays with the process when they are freed.
//
// The steps of a training run ask for the same few sizes over and over. malloc gives a large block
// back to the system, which clears every page that it hands out again (a fifth of a run), or it
// keeps it in a heap, where blocks of different sizes leave holes between them (as much again as
// tensors hold). Here a block that is freed waits for the next request of its size.
//
//   size of a block: the request, rounded up to eighths of the power of two below it;
//   small requests, which are most, stay with LibTorch's own allocator;
//   bound: where a new block would bring what is held above one and a half times the most that was
//   ever used at once, blocks that wait are given back first, largest first. Sizes that are asked
//   for no more, as those of an evaluation with other batches, so do not pile up.
#include "ctorch_internal.hpp"

#include <c10/core/CPUAllocator.h>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace bonn {
namespace {

#ifdef __linux__

constexpr size_t kLargePage = size_t(2) << 20;
constexpr size_t kSmallest = size_t(64) << 10;

size_t blockSize(size_t size) {
    size_t eighth = kSmallest / 8;
    while (eighth * 16 <= size) {
        eighth *= 2;
    }
    return (size + eighth - 1) / eighth * eighth;
}

// Null when the system has no more; on the boundary of a large page where one fits.
void *map(size_t size) {
    const size_t margin = size < kLargePage ? 0 : kLargePage;
    void *start =
        mmap(nullptr, size + margin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return nullptr;
    if (margin == 0)
        return start;
    char *begin = static_cast<char *>(start);
    const size_t before = -reinterpret_cast<uintptr_t>(begin) % kLargePage;
    if (before > 0)
        munmap(begin, before);
    if (before < margin)
        munmap(begin + before + size, margin - before);
    madvise(begin + before, size, MADV_HUGEPAGE);
    return begin + before;
}

// Never destroyed: tensors may outlive everything.
class KeepingAllocator final : public c10::Allocator {
  public:
    static KeepingAllocator &shared() {
        static auto *allocator = new KeepingAllocator;
        return *allocator;
    }

    at::DataPtr allocate(size_t size) override {
        if (void *block = size < kSmallest ? nullptr : take(blockSize(size)))
            return {block, block, &release, at::Device(at::kCPU)};
        // It says so when there is no memory.
        return c10::GetDefaultCPUAllocator()->allocate(size);
    }

    at::DeleterFnPtr raw_deleter() const override {
        return &release;
    }

    void copy_data(void *to, const void *from, size_t size) const override {
        default_copy_data(to, from, size);
    }

    void statistics(int64_t *used, int64_t *peak, int64_t *held) {
        const std::lock_guard<std::mutex> lock(mutex_);
        *used = static_cast<int64_t>(used_);
        *peak = static_cast<int64_t>(peak_);
        *held = static_cast<int64_t>(used_ + waiting_);
    }

  private:
    using FreeBlocks = std::map<size_t, std::vector<void *>>;

    std::mutex mutex_;
    std::unordered_map<void *, size_t> blocks_;
    FreeBlocks free_;
    size_t used_ = 0, peak_ = 0, waiting_ = 0;

    void *take(size_t size) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = free_.find(size);
        void *block = found == free_.end() ? mapWithinBound(size) : pop(found);
        if (block == nullptr)
            return nullptr;
        used_ += size;
        peak_ = std::max(peak_, used_);
        return block;
    }

    void *mapWithinBound(size_t size) {
        giveBack(std::max(peak_, used_ + size) / 2 * 3 - size);
        void *block = map(size);
        if (block == nullptr) {
            giveBack(0);
            block = map(size);
        }
        if (block != nullptr)
            blocks_.emplace(block, size);
        return block;
    }

    // The largest blocks that wait, until no more than this is held or none waits.
    void giveBack(size_t bound) {
        while (waiting_ > 0 && used_ + waiting_ > bound) {
            const auto largest = std::prev(free_.end());
            const size_t size = largest->first;
            void *block = pop(largest);
            blocks_.erase(block);
            munmap(block, size);
        }
    }

    void *pop(FreeBlocks::iterator place) {
        void *block = place->second.back();
        place->second.pop_back();
        waiting_ -= place->first;
        if (place->second.empty())
            free_.erase(place);
        return block;
    }

    bool keep(void *block) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = blocks_.find(block);
        if (found == blocks_.end())
            return false;
        used_ -= found->second;
        waiting_ += found->second;
        free_[found->second].push_back(block);
        return true;
    }

    static void release(void *block) {
        if (!shared().keep(block))
            c10::GetDefaultCPUAllocator()->raw_deleter()(block);
    }
};

#endif

} // namespace
} // namespace bonn

void ctorch_keep_freed_memory(void) {
#ifdef __linux__
    c10::SetCPUAllocator(&bonn::KeepingAllocator::shared(), /*priority=*/1);
#endif
}

bool ctorch_kept_memory(int64_t *used, int64_t *peak, int64_t *held) {
#ifdef __linux__
    if (c10::GetCPUAllocator() != &bonn::KeepingAllocator::shared())
        return false;
    bonn::KeepingAllocator::shared().statistics(used, peak, held);
    return true;
#else
    return false;
#endif
}
