// The convolution of quantized layers: LibTorch's, computed from bits where both operands are
// signs.
//
// With an input of a_i = -1 or +1 and kernels w_kj = alpha_k s_kj, s = -1 or +1, alpha_k > 0, a sum
// is
//
//     y_k = alpha_k (n - 2 d_k),    d_k = number of taps inside the image whose signs differ,
//
// an integer and one rounding, where a sum of floats rounds once a term. The integers are those of
// the runtime (CBONNKernels). The input is kept for the backward pass as bits, a 32nd of its size.
// Whether operands are of this form is found while they are packed (sign_bits.hpp); where they are
// not, LibTorch computes, and keeps, what it always does.
//
// The backward pass is two convolutions of real numbers, in float32 or with operands rounded to
// bfloat16 (8 significant bits, sums in float32), which processors with AVX512_BF16 or AMX multiply
// at twice the rate and more. In bfloat16 signs are exact, and alpha is left out of the kernel and
// brought into dL/dy before that is rounded:
//
//     dL/da_j = sum_k (alpha_k dL/dy_k) s_kj        dL/dw_kj = (1 / alpha_k) sum (alpha_k dL/dy_k)
//     a_j
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "parallel.hpp"
#include "sign_bits.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

namespace bonn {
namespace {

struct Geometry {
    int64_t stride, padding, dilation, groups;

    int64_t outputs(int64_t size, int64_t taps) const {
        return (size + 2 * padding - dilation * (taps - 1) - 1) / stride + 1;
    }
};

// Output positions of one axis by the taps that they see inside of the image.
struct TapClasses {
    std::vector<bonn_range> ranges;
    std::vector<int32_t> classOfOutput;

    TapClasses(const Geometry &geometry, int64_t size, int64_t taps) {
        for (int64_t output = 0; output < geometry.outputs(size, taps); ++output) {
            const bonn_range inside = bonn_taps_inside(output * geometry.stride - geometry.padding,
                                                       taps, geometry.dilation, size);
            const auto known =
                std::find_if(ranges.begin(), ranges.end(), [&](const bonn_range &range) {
                    return range.begin == inside.begin && range.end == inside.end;
                });
            classOfOutput.push_back(static_cast<int32_t>(known - ranges.begin()));
            if (known == ranges.end()) {
                ranges.push_back(inside);
            }
        }
    }
};

bool isInside(const bonn_range &range, int64_t tap) {
    return range.begin <= tap && tap < range.end;
}

// A binary convolution as the kernels want it.
//
// Where the channels of a row of taps fit in one word, they are joined: the input has a word for
// every output column, with the bits of its taps side by side, and the kernel is one column of such
// words. Taps outside of the image are bits of 0, so +1, in it; what they add to a sum is taken off
// by its base.
class BinaryConvolution {
  public:
    BinaryConvolution(const SignPlane &input, const SignKernel &kernel, const Geometry &geometry)
        : geometry_(geometry), kernel_(kernel), height_(input.words.size(1)),
          width_(input.words.size(2)), stride_(wordsFor(kernel.channels)),
          isJoined_(kernel.width > 1 && kernel.width * kernel.channels <= 64),
          rows_(geometry, height_, kernel.height), columns_(geometry, width_, kernel.width) {
        problem_.window = {height_,
                           isJoined_ ? outWidth() : width_,
                           outHeight(),
                           outWidth(),
                           kernel.height,
                           isJoined_ ? 1 : kernel.width,
                           geometry.stride,
                           isJoined_ ? 1 : geometry.stride,
                           geometry.padding,
                           isJoined_ ? 0 : geometry.padding,
                           geometry.dilation,
                           isJoined_ ? 1 : geometry.dilation,
                           0,
                           0};
        problem_.groups = 1;
        problem_.in_channels = isJoined_ ? kernel.width * kernel.channels : kernel.channels;
        problem_.out_channels = kernel.outputs;
        problem_.group_words = problem_.pixel_words = stride_;
        problem_.shift = 1;
        packed_.resize(fastestKernels().bconv2d_pack(&problem_, nullptr, nullptr));
        const std::vector<uint64_t> joined = isJoined_ ? joinedKernel() : std::vector<uint64_t>();
        const uint64_t *words = isJoined_ ? joined.data() : kernel.words.data();
        fastestKernels().bconv2d_pack(&problem_, words, packed_.data());
        fillBases();
        problem_.weights = packed_.data();
        problem_.bases = bases_.data();
        problem_.row_class = rows_.classOfOutput.data();
        problem_.column_class = columns_.classOfOutput.data();
        problem_.column_classes = static_cast<ptrdiff_t>(columns_.ranges.size());
    }

    int64_t outHeight() const {
        return static_cast<int64_t>(rows_.classOfOutput.size());
    }
    int64_t outWidth() const {
        return static_cast<int64_t>(columns_.classOfOutput.size());
    }

    // The sums times their magnitudes, [N, K, H', W'], channels last.
    at::Tensor operator()(const SignPlane &input) const {
        const int64_t images = input.words.size(0), outputs = kernel_.outputs;
        at::Tensor y = at::empty({images, outputs, outHeight(), outWidth()}, at::kFloat,
                                 at::MemoryFormat::ChannelsLast);
        const auto *words =
            reinterpret_cast<const uint64_t *>(input.words.const_data_ptr<int64_t>());
        float *out = y.data_ptr<float>();
        const int64_t rowSize = outWidth() * outputs;
        const int64_t blocks = (outputs + BONN_BINARY_BLOCK - 1) / BONN_BINARY_BLOCK;
        parallelFor(images, 1, [&](int64_t first, int64_t last) {
            std::vector<uint64_t> joined(isJoined_ ? height_ * outWidth() : 0);
            std::vector<int32_t> sums(rowSize);
            for (int64_t image = first; image < last; ++image) {
                const uint64_t *pixels = words + image * height_ * width_ * stride_;
                if (isJoined_) {
                    join(pixels, joined.data());
                    pixels = joined.data();
                }
                for (int64_t row = 0; row < outHeight(); ++row) {
                    fastestKernels().bconv2d(&problem_, pixels, sums.data(), outputs,
                                             {row, row + 1}, {0, blocks});
                    scale(sums.data(), outWidth(), outputs, kernel_.magnitude.data(),
                          out + (image * outHeight() + row) * rowSize);
                }
            }
        });
        return y;
    }

  private:
    Geometry geometry_;
    const SignKernel &kernel_;
    int64_t height_, width_, stride_;
    bool isJoined_;
    TapClasses rows_, columns_;
    bonn_bconv2d problem_{};
    std::vector<uint8_t> packed_;
    std::vector<int32_t> bases_;

    BONN_VECTOR_CLONES static void scale(const int32_t *sums, int64_t pixels, int64_t channels,
                                         const float *magnitude, float *y) {
        for (int64_t p = 0; p < pixels; ++p) {
            for (int64_t c = 0; c < channels; ++c) {
                y[p * channels + c] = static_cast<float>(sums[p * channels + c]) * magnitude[c];
            }
        }
    }

    void join(const uint64_t *pixels, uint64_t *joined) const {
        for (int64_t row = 0; row < height_; ++row) {
            for (int64_t column = 0; column < outWidth(); ++column) {
                const bonn_range inside = columns_.ranges[columns_.classOfOutput[column]];
                const int64_t origin = column * geometry_.stride - geometry_.padding;
                uint64_t word = 0;
                for (int64_t tap = inside.begin; tap < inside.end; ++tap) {
                    word |= pixels[row * width_ + origin + tap * geometry_.dilation]
                            << tap * kernel_.channels;
                }
                joined[row * outWidth() + column] = word;
            }
        }
    }

    std::vector<uint64_t> joinedKernel() const {
        std::vector<uint64_t> joined(kernel_.outputs * kernel_.height, 0);
        for (size_t row = 0; row < joined.size(); ++row) {
            for (int64_t tap = 0; tap < kernel_.width; ++tap) {
                joined[row] |= kernel_.words[row * kernel_.width + tap] << tap * kernel_.channels;
            }
        }
        return joined;
    }

    void fillBases() {
        for (const bonn_range &rows : rows_.ranges) {
            for (const bonn_range &columns : columns_.ranges) {
                for (int64_t k = 0; k < kernel_.outputs; ++k) {
                    int64_t base = 0;
                    for (int64_t row = rows.begin; row < rows.end; ++row) {
                        for (int64_t column = 0; column < kernel_.width; ++column) {
                            if (isInside(columns, column)) {
                                base += kernel_.channels;
                            } else if (isJoined_) {
                                base += 2 * negatives((k * kernel_.height + row) * kernel_.width +
                                                      column);
                            }
                        }
                    }
                    bases_.push_back(static_cast<int32_t>(base));
                }
            }
        }
    }

    int64_t negatives(int64_t tap) const {
        int64_t count = 0;
        for (int64_t word = 0; word < stride_; ++word) {
            count += __builtin_popcountll(kernel_.words[tap * stride_ + word]);
        }
        return count;
    }
};

bool hasBitPath(const at::Tensor &x, const at::Tensor &kernel, const Geometry &geometry) {
    // What does not fit is for LibTorch to complain about.
    return geometry.groups == 1 && hasFastPath(x) && hasFastPath(kernel) &&
           x.size(1) == kernel.size(1) && geometry.outputs(x.size(2), kernel.size(2)) > 0 &&
           geometry.outputs(x.size(3), kernel.size(3)) > 0;
}

struct QuantizedConvolution : torch::autograd::Function<QuantizedConvolution> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              const at::Tensor &kernel, int64_t stride, int64_t padding,
                              int64_t dilation, int64_t groups, bool rounds) {
        const Geometry geometry{stride, padding, dilation, groups};
        context->saved_data["geometry"] =
            std::vector<int64_t>{stride, padding, dilation, groups, x.size(1)};
        context->saved_data["rounds"] = rounds;
        std::optional<SignKernel> signs;
        std::optional<SignPlane> plane;
        if (hasBitPath(x, kernel, geometry)) {
            signs = SignKernel::of(kernel);
            plane = signs ? SignPlane::of(x) : std::nullopt;
        }
        context->saved_data["bits"] = plane.has_value();
        context->save_for_backward({plane ? plane->words : x, kernel});
        if (plane)
            return BinaryConvolution(*plane, *signs, geometry)(*plane);
        return at::conv2d(x, kernel, std::nullopt, stride, padding, dilation, groups);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto geometry = context->saved_data["geometry"].toIntVector();
        const bool isBits = context->saved_data["bits"].toBool(),
                   rounds = context->saved_data["rounds"].toBool();
        at::Tensor x = saved[0], kernel = saved[1], gradient = gradients[0], magnitude;
        if (isBits) {
            x = SignPlane{x, geometry[4]}.signs(rounds ? at::kBFloat16 : at::kFloat);
        }
        if (rounds) {
            if (isBits) {
                magnitude = kernel.select(1, 0).select(1, 0).select(1, 0).abs();
                gradient = gradient * magnitude.view({1, -1, 1, 1});
                kernel = signOf(kernel);
            }
            x = x.to(at::kBFloat16);
            kernel = kernel.to(at::kBFloat16);
            gradient = gradient.to(at::kBFloat16);
        }
        auto [dx, dkernel, none] = at::convolution_backward(
            gradient, x, kernel, std::nullopt, {geometry[0], geometry[0]},
            {geometry[1], geometry[1]}, {geometry[2], geometry[2]}, /*transposed=*/false, {0, 0},
            geometry[3], {context->needs_input_grad(0), context->needs_input_grad(1), false});
        if (rounds) {
            dx = dx.defined() ? dx.to(at::kFloat) : dx;
            dkernel = dkernel.defined() ? dkernel.to(at::kFloat) : dkernel;
            if (isBits && dkernel.defined()) {
                dkernel = dkernel / magnitude.view({-1, 1, 1, 1});
            }
        }
        const at::Tensor nothing;
        return {dx, dkernel, nothing, nothing, nothing, nothing, nothing};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_quantized_conv2d(const ctorch_tensor *x, const ctorch_tensor *kernel, int64_t stride,
                            int64_t padding, int64_t dilation, int64_t groups,
                            bool rounds_gradients, ctorch_tensor **result, char **error) {
    return produced("quantizedConv2d", {x, kernel}, result, error, [&] {
        return bonn::QuantizedConvolution::apply(unwrap(x), unwrap(kernel), stride, padding,
                                                 dilation, groups, rounds_gradients);
    });
}
