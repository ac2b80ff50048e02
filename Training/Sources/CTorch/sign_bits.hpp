// Tensors of which every element is a sign, or a sign times a number of its channel, as bits of the
// runtime's layout: bit 1 for -1, channel c in bit c % 64 of word c / 64, bits behind the last
// channel 0. What is no such tensor is found while it is packed, so nobody has to promise anything.
#pragma once

#include "bonn_kernels.h"
#include "fused_rows.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace bonn {

/// The fastest kernels of the runtime that this processor runs.
const bonn_kernel_set &fastestKernels();

/// Words that the bits of so many channels take.
inline int64_t wordsFor(int64_t channels) {
    return (channels + 63) / 64;
}

/// An activation of -1 and +1, [N, C, H, W], as words [N, H, W, words of C].
struct SignPlane {
    at::Tensor words; // int64
    int64_t channels;

    /// The bits of x, or nothing where an element is neither -1 nor +1.
    static std::optional<SignPlane> of(const at::Tensor &x);
    /// -1 and +1 again, channels last, as float32 or bfloat16.
    at::Tensor signs(at::ScalarType type) const;
};

/// A kernel of signs times one positive number an output channel, [K, C, kh, kw].
struct SignKernel {
    std::vector<uint64_t> words;  // [K][kh][kw][words of C]
    std::vector<float> magnitude; // [K]
    int64_t outputs, channels, height, width;

    /// The bits of a kernel, or nothing where the elements of a channel differ in more than their
    /// signs.
    static std::optional<SignKernel> of(const at::Tensor &kernel);
};

} // namespace bonn
