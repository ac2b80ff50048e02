// Helpers shared by the fused element-wise operations.
//
// The fast paths see a channels-last tensor [N, C, H, W] as a matrix of R = N * H * W rows of C
// channels, and walk it in blocks of `kChannelBlock` channels, so that one block of accumulators
// fits a vector register. Rows are cut into a number of chunks that depends on R alone: partial
// sums are added in chunk order, so results do not depend on the number of threads.
#pragma once

#include "parallel.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

// Several instruction sets from one plain loop; the loader picks one. Only where the C library can.
#if defined(__x86_64__) && defined(__linux__)
#define BONN_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define BONN_VECTOR_CLONES
#endif

// A loop that such a function holds twice: once with a width that the compiler knows.
#define BONN_INLINE static inline __attribute__((always_inline))

namespace bonn {

constexpr int64_t kChannelBlock = 16;

/// The shape of the slope of sign in the backward pass.
enum class Estimator : int64_t {
    polynomial = 0, // (2 - 2|x|) for |x| < 1 (Bi-Real Net, equation 7)
    clip = 1,       // 1 for |x| <= 1 (derivative of hardtanh)
};

/// The window that a shape is stretched over: height * shape(z / width), where height keeps the
/// area of windows below 1 and the peak of those above.
struct Window {
    float inverse, height;

    explicit Window(double width)
        : inverse(static_cast<float>(1 / width)),
          height(static_cast<float>(std::max(1.0, 1 / width))) {}
};

/// The slope at z.
template <Estimator estimator> inline float slope(float z, Window window) {
    const float magnitude = std::fabs(z * window.inverse);
    if constexpr (estimator == Estimator::polynomial) {
        return magnitude < 1.0f ? (2.0f - 2.0f * magnitude) * window.height : 0.0f;
    } else {
        return magnitude <= 1.0f ? window.height : 0.0f;
    }
}

/// The slopes at all elements of z, by LibTorch.
at::Tensor slopeOf(const at::Tensor &z, Estimator estimator, double window);

/// -1 or +1 of each element, in its own type; sign(0) = +1.
at::Tensor signOf(const at::Tensor &x);

/// sign(x + shift) with the gradient of a slope; x [N, C, H, W], shift [C].
at::Tensor shiftedSign(const at::Tensor &x, const at::Tensor &shift, int64_t estimator,
                       double window);

/// x limited to [low, high], with slope 1 there, bounds included; a plain float tensor.
at::Tensor clamped(const at::Tensor &x, float low, float high);

/// Whether the fast path reads this tensor: float32 on the CPU, four dimensions.
inline bool hasFastPath(const at::Tensor &x) {
    return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.numel() > 0;
}

/// Whether the elements are floats of the CPU that lie side by side in memory, in whatever order.
inline bool isPlainFloat(const at::Tensor &x) {
    return x.device().is_cpu() && x.scalar_type() == at::kFloat &&
           x.is_non_overlapping_and_dense() && !x.is_neg();
}

/// A tensor seen as rows of channels; keeps the channels-last copy alive.
struct Rows {
    at::Tensor tensor;
    int64_t rows = 0, channels = 0;

    explicit Rows(const at::Tensor &x)
        : tensor(x.contiguous(at::MemoryFormat::ChannelsLast)),
          rows(x.size(0) * x.size(2) * x.size(3)), channels(x.size(1)) {}
    float *data() const {
        return tensor.data_ptr<float>();
    }
};

/// Row chunks: enough for every thread, each small enough to stay in a core's cache between passes.
struct Chunks {
    int64_t rows, size, count;

    Chunks(int64_t rows, int64_t channels) : rows(rows) {
        const int64_t target = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, channels));
        count = std::max<int64_t>(1, (rows + target - 1) / target);
        size = (rows + count - 1) / count;
        count = (rows + size - 1) / size;
    }
    int64_t begin(int64_t chunk) const {
        return chunk * size;
    }
    int64_t end(int64_t chunk) const {
        return std::min(rows, (chunk + 1) * size);
    }
};

/// Calls body(chunk, first row, end row) for every chunk, on LibTorch's threads.
template <typename Body> void forEachChunk(const Chunks &chunks, const Body &body) {
    parallelFor(chunks.count, 1, [&](int64_t first, int64_t last) {
        for (int64_t chunk = first; chunk < last; ++chunk) {
            body(chunk, chunks.begin(chunk), chunks.end(chunk));
        }
    });
}

/// Sums over rows for each channel, of each chunk first, then of all in their order.
class ChannelSums {
  public:
    ChannelSums(const Chunks &chunks, int64_t channels, int64_t kinds = 1)
        : chunks_(chunks.count), kinds_(kinds), channels_(channels),
          parts_(chunks.count * kinds * channels) {}

    /// [C] of a chunk, to be written.
    float *part(int64_t chunk, int64_t kind) {
        return &parts_[(chunk * kinds_ + kind) * channels_];
    }

    double total(int64_t kind, int64_t channel) const {
        double total = 0;
        for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
            total += parts_[(chunk * kinds_ + kind) * channels_ + channel];
        }
        return total;
    }

    /// [C].
    at::Tensor total(int64_t kind) const {
        at::Tensor sums = at::empty({channels_}, at::kFloat);
        for (int64_t c = 0; c < channels_; ++c) {
            sums.data_ptr<float>()[c] = static_cast<float>(total(kind, c));
        }
        return sums;
    }

  private:
    int64_t chunks_, kinds_, channels_;
    std::vector<float> parts_;
};

/// Calls body(first channel, number of channels) for every block of at most kChannelBlock channels.
template <typename Body> inline void forEachBlock(int64_t channels, const Body &body) {
    for (int64_t c = 0; c < channels; c += kChannelBlock) {
        body(c, std::min(kChannelBlock, channels - c));
    }
}

} // namespace bonn
