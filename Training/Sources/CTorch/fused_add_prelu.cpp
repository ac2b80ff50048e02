// Addition and PReLU in one operation: s = a + b, y = s >= 0 ? s : slope * s.
//
// The sum is not kept: backward adds a and b again, which costs less than writing and reading it.
//   dL/da = dL/db = g * (s >= 0 ? 1 : slope)        dL/dslope_c = sum over s < 0 of g * s
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

namespace bonn {
namespace {

BONN_VECTOR_CLONES void addPReLURows(const float *a, const float *b, const float *slope,
                                     int64_t rows, int64_t channels, float *y) {
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < channels; ++c) {
            const float s = a[r * channels + c] + b[r * channels + c];
            y[r * channels + c] = s >= 0.0f ? s : slope[c] * s;
        }
    }
}

// Gradient of the sum, and per channel the slope's gradient over these rows (accumulated).
BONN_VECTOR_CLONES void gradientBlock(const float *a, const float *b, const float *g,
                                      const float *slope, int64_t rows, int64_t stride, float *ds,
                                      float *dslope) {
    float total[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < kChannelBlock; ++c) {
            const int64_t i = r * stride + c;
            const float s = a[i] + b[i];
            ds[i] = s >= 0.0f ? g[i] : slope[c] * g[i];
            total[c] += s >= 0.0f ? 0.0f : g[i] * s;
        }
    }
    for (int64_t c = 0; c < kChannelBlock; ++c) {
        dslope[c] = total[c];
    }
}

void gradientPartial(const float *a, const float *b, const float *g, const float *slope,
                     int64_t rows, int64_t stride, int64_t width, float *ds, float *dslope) {
    for (int64_t c = 0; c < width; ++c) {
        double total = 0;
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t i = r * stride + c;
            const float s = a[i] + b[i];
            ds[i] = s >= 0.0f ? g[i] : slope[c] * g[i];
            total += s >= 0.0f ? 0.0f : g[i] * s;
        }
        dslope[c] = static_cast<float>(total);
    }
}

struct AddPReLU : torch::autograd::Function<AddPReLU> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &a,
                              const at::Tensor &b, const at::Tensor &slope) {
        TORCH_CHECK(a.sizes() == b.sizes(), "expected two tensors of one shape, found ", a.sizes(),
                    " and ", b.sizes());
        TORCH_CHECK(a.dim() == 4 && a.size(1) == slope.numel(), "expected ", slope.numel(),
                    " channels, found an input of shape ", a.sizes());
        context->save_for_backward({a, b, slope});
        if (!hasFastPath(a)) {
            const at::Tensor s = a + b;
            return at::where(s >= 0, s, s * slope.view({1, -1, 1, 1}));
        }
        const Rows left(a), right(b);
        at::Tensor y = at::empty_like(left.tensor);
        float *out = y.data_ptr<float>();
        const float *slopes = slope.data_ptr<float>();
        forEachChunk(Chunks(left.rows, left.channels), [&](int64_t, int64_t first, int64_t last) {
            const int64_t offset = first * left.channels;
            addPReLURows(left.data() + offset, right.data() + offset, slopes, last - first,
                         left.channels, out + offset);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor slope = saved[2];
        if (!hasFastPath(saved[0])) {
            const at::Tensor s = saved[0] + saved[1], g = gradients[0];
            const at::Tensor ds = at::where(s >= 0, g, g * slope.view({1, -1, 1, 1}));
            const at::Tensor dslope = at::where(s >= 0, at::zeros_like(s), g * s);
            return {ds, ds, dslope.sum(at::IntArrayRef({0, 2, 3})).view_as(slope)};
        }
        const Rows a(saved[0]), b(saved[1]), g(gradients[0]);
        const int64_t channels = a.channels;
        const Chunks chunks(a.rows, channels);
        at::Tensor ds = at::empty_like(a.tensor), dslope = at::empty_like(slope);
        float *out = ds.data_ptr<float>();
        const float *slopes = slope.data_ptr<float>();
        std::vector<float> parts(chunks.count * channels);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            forEachBlock(channels, [&](int64_t c, int64_t width) {
                const int64_t offset = first * channels + c;
                float *part = &parts[chunk * channels + c];
                if (width == kChannelBlock) {
                    gradientBlock(a.data() + offset, b.data() + offset, g.data() + offset,
                                  slopes + c, last - first, channels, out + offset, part);
                } else {
                    gradientPartial(a.data() + offset, b.data() + offset, g.data() + offset,
                                    slopes + c, last - first, channels, width, out + offset, part);
                }
            });
        });
        for (int64_t c = 0; c < channels; ++c) {
            double total = 0;
            for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
                total += parts[chunk * channels + c];
            }
            dslope.data_ptr<float>()[c] = static_cast<float>(total);
        }
        return {ds, ds, dslope};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_add_prelu(const ctorch_tensor *a, const ctorch_tensor *b, const ctorch_tensor *slope,
                     ctorch_tensor **result, char **error) {
    return produced("addPReLU", {a, b, slope}, result, error,
                    [&] { return bonn::AddPReLU::apply(unwrap(a), unwrap(b), unwrap(slope)); });
}
