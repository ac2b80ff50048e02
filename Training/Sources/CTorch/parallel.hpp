// Loops of our own on LibTorch's threads.
#pragma once

#include <cstdint>

namespace bonn {

/// Calls `call(body, first, last)` as `parallelFor` says.
void runInParallel(int64_t count, int64_t grain, void (*call)(const void *, int64_t, int64_t),
                   const void *body);

/// Calls body(first, last) for parts of 0..<count that have at least `grain` items, but for the
/// last, and are as many as LibTorch has threads at most; the first exception of a part is thrown
/// on.
///
/// Where a part begins depends on the number of threads: results must not.
template <typename Body> void parallelFor(int64_t count, int64_t grain, const Body &body) {
    runInParallel(
        count, grain,
        [](const void *body, int64_t first, int64_t last) {
            (*static_cast<const Body *>(body))(first, last);
        },
        &body);
}

} // namespace bonn
