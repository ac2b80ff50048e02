// at::parallel_for is parallel only in code that is compiled with OpenMP: without, its header makes
// it a plain loop. The compiler that comes with Swift has no OpenMP. So a region is opened as
// compiled code would open it, by the functions of the runtime that LibTorch brings along and runs
// its own loops with; one runtime is one team of threads. A LibTorch without that runtime (the one
// for macOS has LLVM's, with other functions) runs these loops on the calling thread.
#include "parallel.hpp"
#include "ctorch.h"

#include <ATen/Parallel.h>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

namespace bonn {
namespace {

struct OpenMP {
    // Of GCC's runtime: body, its argument, threads (0: as set), flags.
    using Region = void (*)(void (*)(void *), void *, unsigned, unsigned);
    using Number = int (*)();

    Region region = reinterpret_cast<Region>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    Number thread = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
    Number threads = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));

    bool isThere() const {
        return region != nullptr && thread != nullptr && threads != nullptr;
    }

    static const OpenMP &shared() {
        static const OpenMP found;
        return found;
    }
};

struct Loop {
    int64_t count, grain;
    void (*call)(const void *, int64_t, int64_t);
    const void *body;
    std::atomic_flag hasFailed = ATOMIC_FLAG_INIT;
    std::exception_ptr failure;

    // What one thread of the region does.
    void run() {
        const OpenMP &openMP = OpenMP::shared();
        // A team of another size than the last one would be a new team, so some have nothing to do.
        const int64_t parts =
            std::min<int64_t>(openMP.threads(), at::divup(count, std::max<int64_t>(1, grain)));
        const int64_t size = at::divup(count, parts), first = openMP.thread() * size;
        if (first >= count)
            return;
        try {
            const at::internal::ThreadIdGuard guard(openMP.thread());
            call(body, first, std::min(count, first + size));
        } catch (...) {
            if (!hasFailed.test_and_set())
                failure = std::current_exception();
        }
    }
};

} // namespace

void runInParallel(int64_t count, int64_t grain, void (*call)(const void *, int64_t, int64_t),
                   const void *body) {
    if (count <= 0)
        return;
    // Asking for their number sets that of this thread's regions, too.
    if (count <= grain || at::get_num_threads() == 1 || at::in_parallel_region() ||
        !OpenMP::shared().isThere()) {
        call(body, 0, count);
        return;
    }
    Loop loop{count, grain, call, body};
    OpenMP::shared().region([](void *loop) { static_cast<Loop *>(loop)->run(); }, &loop, 0, 0);
    if (loop.failure)
        std::rethrow_exception(loop.failure);
}

} // namespace bonn

int32_t ctorch_loop_threads(void) {
    std::mutex lock;
    std::set<std::thread::id> threads;
    bonn::parallelFor(at::get_num_threads(), 1, [&](int64_t, int64_t) {
        const std::lock_guard<std::mutex> guard(lock);
        threads.insert(std::this_thread::get_id());
    });
    return static_cast<int32_t>(threads.size());
}
