// Signs to bits and back.
#include "sign_bits.hpp"

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstring>

namespace bonn {

const bonn_kernel_set &fastestKernels() {
    static const bonn_kernel_set *fastest = [] {
        ptrdiff_t index = bonn_kernel_set_count() - 1;
        while (!bonn_kernel_set_runs(index)) {
            --index;
        }
        return bonn_kernel_set_at(index);
    }();
    return *fastest;
}

namespace {

constexpr uint32_t kSignBit = 0x80000000u, kOne = 0x3f800000u; // of float32

// Whether every element is -1 or +1: without a branch in the loop.
BONN_VECTOR_CLONES bool holdsSigns(const float *x, int64_t count) {
    uint32_t others = 0;
    for (int64_t i = 0; i < count; ++i) {
        uint32_t bits;
        std::memcpy(&bits, x + i, 4);
        others |= (bits & ~kSignBit) ^ kOne;
    }
    return others == 0;
}

// 16 channels at a time: the shifts of a vector differ by lane only.
template <class Element>
inline void spread(const uint64_t *words, int64_t pixels, int64_t channels, Element plusOne,
                   Element *signs) {
    const int64_t stride = wordsFor(channels);
    for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t first = 0; first < channels; first += 16) {
            const auto bits = static_cast<uint32_t>(words[p * stride + first / 64] >> (first % 64));
            Element *to = signs + p * channels + first;
            const int64_t width = std::min<int64_t>(16, channels - first);
            if (width == 16) {
                for (uint32_t c = 0; c < 16; ++c) {
                    to[c] = static_cast<Element>(plusOne |
                                                 ((bits >> c & 1u) << (8 * sizeof(Element) - 1)));
                }
            } else {
                for (int64_t c = 0; c < width; ++c) {
                    to[c] = static_cast<Element>(plusOne |
                                                 ((bits >> c & 1u) << (8 * sizeof(Element) - 1)));
                }
            }
        }
    }
}

BONN_VECTOR_CLONES void spreadFloats(const uint64_t *words, int64_t pixels, int64_t channels,
                                     uint32_t *signs) {
    spread<uint32_t>(words, pixels, channels, kOne, signs);
}

BONN_VECTOR_CLONES void spreadHalves(const uint64_t *words, int64_t pixels, int64_t channels,
                                     uint16_t *signs) {
    spread<uint16_t>(words, pixels, channels, kOne >> 16, signs);
}

} // namespace

std::optional<SignPlane> SignPlane::of(const at::Tensor &x) {
    const Rows rows(x);
    const int64_t channels = rows.channels, stride = wordsFor(channels);
    const std::vector<float> zeros(channels, 0.0f);
    const std::vector<uint32_t> unflipped(channels, 0);
    std::vector<uint8_t> keep(8 * stride, 0), forced(8 * stride, 0);
    for (int64_t c = 0; c < channels; ++c) {
        keep[c / 8] |= static_cast<uint8_t>(1 << c % 8);
    }
    const bonn_threshold threshold{zeros.data(), unflipped.data(), keep.data(), forced.data(),
                                   8 * stride};
    const bonn_map map{channels, nullptr, 0, &threshold};
    SignPlane plane{at::empty({x.size(0), x.size(2), x.size(3), stride}, at::kLong), channels};
    auto *words = reinterpret_cast<uint8_t *>(plane.words.data_ptr<int64_t>());
    const Chunks chunks(rows.rows, channels);
    std::vector<char> isSigns(chunks.count, 1);
    forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
        const float *from = rows.data() + first * channels;
        isSigns[chunk] = holdsSigns(from, (last - first) * channels);
        fastestKernels().map_f32(&map, from, channels, nullptr, 0, words + first * 8 * stride,
                                 8 * stride, last - first);
    });
    for (const char chunk : isSigns) {
        if (!chunk)
            return std::nullopt;
    }
    return plane;
}

at::Tensor SignPlane::signs(at::ScalarType type) const {
    const int64_t images = words.size(0), height = words.size(1), width = words.size(2);
    at::Tensor signs =
        at::empty({images, channels, height, width}, type, at::MemoryFormat::ChannelsLast);
    const auto *from = reinterpret_cast<const uint64_t *>(words.const_data_ptr<int64_t>());
    void *to = signs.data_ptr();
    const int64_t stride = wordsFor(channels);
    forEachChunk(Chunks(images * height * width, channels),
                 [&](int64_t, int64_t first, int64_t last) {
                     if (type == at::kFloat) {
                         spreadFloats(from + first * stride, last - first, channels,
                                      static_cast<uint32_t *>(to) + first * channels);
                     } else {
                         spreadHalves(from + first * stride, last - first, channels,
                                      static_cast<uint16_t *>(to) + first * channels);
                     }
                 });
    return signs;
}

std::optional<SignKernel> SignKernel::of(const at::Tensor &tensor) {
    const at::Tensor kernel = tensor.contiguous();
    const int64_t outputs = kernel.size(0), channels = kernel.size(1), height = kernel.size(2),
                  width = kernel.size(3), taps = height * width, stride = wordsFor(channels);
    SignKernel result{std::vector<uint64_t>(outputs * taps * stride, 0),
                      std::vector<float>(outputs),
                      outputs,
                      channels,
                      height,
                      width};
    const float *value = kernel.const_data_ptr<float>();
    for (int64_t k = 0; k < outputs; ++k) {
        const float magnitude = std::fabs(*value);
        if (!(magnitude > 0) || !std::isfinite(magnitude))
            return std::nullopt;
        result.magnitude[k] = magnitude;
        for (int64_t c = 0; c < channels; ++c) {
            for (int64_t tap = 0; tap < taps; ++tap, ++value) {
                if (std::fabs(*value) != magnitude)
                    return std::nullopt;
                const uint64_t bit = std::signbit(*value) ? 1 : 0;
                result.words[(k * taps + tap) * stride + c / 64] |= bit << c % 64;
            }
        }
    }
    return result;
}

} // namespace bonn
