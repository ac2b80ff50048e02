// Real convolution in deployment arithmetic (Operation of BONNModelFormat): for every output
//
//     acc = bias[k];  for every kernel row, kernel column, channel: acc = fma(x, w, acc)
//
// in this order, each step rounded to float32, with x = +0 in the padding. LibTorch's convolutions
// sum in an order of their own, so this is a plain loop over a padded channels-last copy, with the
// output channels in the lanes: they do not meet in any sum.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "parallel.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstring>

// The C library's fmaf, which "default" calls, is exact too.
#if defined(__x86_64__) && defined(__linux__)
#define BONN_FMA_CLONES __attribute__((target_clones("avx512f", "fma", "default")))
#else
#define BONN_FMA_CLONES
#endif

namespace bonn {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kPixels = 6;
using Vector = float __attribute__((ext_vector_type(16)));

struct Chain {
    int64_t rows, rowStep;       // kernel rows, and the distance of their inputs
    int64_t columns, columnStep; // kernel columns, likewise
    int64_t inputs;              // channels
    int64_t inStep, outStep;     // from one output pixel to the next
};

template <int64_t pixels>
__attribute__((always_inline)) inline void
sumTile(const Chain &chain, const float *x, const float *weight, const float *bias, float *y) {
    Vector sums[pixels];
    for (Vector &sum : sums) {
        std::memcpy(&sum, bias, sizeof sum);
    }
    for (int64_t row = 0; row < chain.rows; ++row) {
        for (int64_t column = 0; column < chain.columns; ++column) {
            const float *taps = x + row * chain.rowStep + column * chain.columnStep;
            for (int64_t i = 0; i < chain.inputs; ++i, weight += kLanes) {
                Vector w;
                std::memcpy(&w, weight, sizeof w);
#pragma clang loop unroll(full)
                for (int64_t pixel = 0; pixel < pixels; ++pixel) {
                    const Vector value = taps[pixel * chain.inStep + i];
                    sums[pixel] = __builtin_elementwise_fma(value, w, sums[pixel]);
                }
            }
        }
    }
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        std::memcpy(y + pixel * chain.outStep, &sums[pixel], sizeof sums[pixel]);
    }
}

// One row of outputs for kLanes channels.
BONN_FMA_CLONES void sumRow(const Chain &chain, const float *x, const float *weight,
                            const float *bias, int64_t width, float *y) {
    int64_t column = 0;
    for (; column + kPixels <= width; column += kPixels) {
        sumTile<kPixels>(chain, x + column * chain.inStep, weight, bias,
                         y + column * chain.outStep);
    }
    for (; column < width; ++column) {
        sumTile<1>(chain, x + column * chain.inStep, weight, bias, y + column * chain.outStep);
    }
}

// x [N, C, H, W], weight [K, C, kh, kw], bias [K] or undefined; float32 on the CPU.
at::Tensor chainedConv2d(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                         int64_t stride, int64_t padding, int64_t dilation) {
    const int64_t images = x.size(0), inputs = x.size(1);
    const int64_t outputs = weight.size(0), rows = weight.size(2), columns = weight.size(3);
    const int64_t blocks = (outputs + kLanes - 1) / kLanes;
    const int64_t missing = blocks * kLanes - outputs;
    const at::Tensor padded = at::constant_pad_nd(x, {padding, padding, padding, padding}, 0)
                                  .permute({0, 2, 3, 1})
                                  .contiguous();
    const int64_t inHeight = padded.size(1), inWidth = padded.size(2);
    const int64_t height = (inHeight - dilation * (rows - 1) - 1) / stride + 1;
    const int64_t width = (inWidth - dilation * (columns - 1) - 1) / stride + 1;
    // [block][kernel row][kernel column][channel][lane]
    const at::Tensor packed = at::constant_pad_nd(weight, {0, 0, 0, 0, 0, 0, 0, missing}, 0)
                                  .view({blocks, kLanes, inputs, rows, columns})
                                  .permute({0, 3, 4, 2, 1})
                                  .contiguous();
    const at::Tensor start = bias.defined() ? at::constant_pad_nd(bias, {0, missing}, 0)
                                            : at::zeros({blocks * kLanes}, x.options());
    at::Tensor y = at::empty({images, height, width, blocks * kLanes}, x.options());

    const Chain chain{rows,           dilation * inWidth * inputs,
                      columns,        dilation * inputs,
                      inputs,         stride * inputs,
                      blocks * kLanes};
    const float *from = padded.const_data_ptr<float>();
    const float *weights = packed.const_data_ptr<float>();
    const float *biases = start.const_data_ptr<float>();
    float *to = y.mutable_data_ptr<float>();
    parallelFor(images * height, 1, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const float *input =
                from + (row / height * inHeight + row % height * stride) * inWidth * inputs;
            for (int64_t block = 0; block < blocks; ++block) {
                sumRow(chain, input, weights + block * rows * columns * inputs * kLanes,
                       biases + block * kLanes, width,
                       to + row * width * blocks * kLanes + block * kLanes);
            }
        }
    });
    return y.narrow(3, 0, outputs).permute({0, 3, 1, 2}).contiguous(at::MemoryFormat::ChannelsLast);
}

} // namespace
} // namespace bonn

int ctorch_chained_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight,
                          const ctorch_tensor *bias, int64_t stride, int64_t padding,
                          int64_t dilation, ctorch_tensor **result, char **error) {
    return ctorch::produced("chained_conv2d", {x, weight, bias}, result, error, [&] {
        const at::Tensor &input = ctorch::unwrap(x), &kernel = ctorch::unwrap(weight);
        const at::Tensor start = ctorch::optional(bias).value_or(at::Tensor());
        TORCH_CHECK(input.dim() == 4 && kernel.dim() == 4 && input.size(1) == kernel.size(1),
                    "expected x [N, C, H, W] and weight [K, C, kh, kw]");
        TORCH_CHECK(input.scalar_type() == at::kFloat && kernel.scalar_type() == at::kFloat,
                    "expected float32");
        TORCH_CHECK(!start.defined() || (start.scalar_type() == at::kFloat && start.dim() == 1 &&
                                         start.size(0) == kernel.size(0)),
                    "expected bias [K], float32");
        TORCH_CHECK(stride >= 1 && padding >= 0 && dilation >= 1 &&
                        input.size(2) + 2 * padding > dilation * (kernel.size(2) - 1) &&
                        input.size(3) + 2 * padding > dilation * (kernel.size(3) - 1),
                    "the kernel does not fit into the padded input");
        const at::NoGradGuard guard;
        return bonn::chainedConv2d(input.to(at::kCPU), kernel.to(at::kCPU),
                                   start.defined() ? start.to(at::kCPU) : start, stride, padding,
                                   dilation)
            .to(input.device());
    });
}
