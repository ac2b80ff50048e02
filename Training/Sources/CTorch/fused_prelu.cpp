// PReLU, and addition and PReLU in one operation: s = a + b or a, y = s > 0 ? s : slope * s.
//
//   dL/da = dL/db = g * (s > 0 ? 1 : slope)        dL/dslope_c = sum over s <= 0 of g * s
//
// Where all slopes are positive, y has the sign of s, and s = y / slope where it is negative: y,
// which what follows keeps anyway, is all that backward needs. Otherwise a and b are kept, and
// added again. Without an addend LibTorch has the same operation, whose backward takes ten times as
// long. As there, 0 has the slope of negative numbers: sums of signs are 0 often.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <vector>

namespace bonn {
namespace {

BONN_VECTOR_CLONES void preluRows(const float *a, const float *b, const float *slope, int64_t rows,
                                  int64_t channels, float *y) {
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t i = r * channels + c;
            const float s = b == nullptr ? a[i] : a[i] + b[i];
            y[i] = s > 0.0f ? s : slope[c] * s;
        }
    }
}

// Gradient of the sum, and per channel the sum of g * s over the rows where s is not positive.
BONN_VECTOR_CLONES void gradientBlock(const float *a, const float *b, const float *g,
                                      const float *slope, int64_t rows, int64_t stride, float *ds,
                                      float *negatives) {
    float total[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < kChannelBlock; ++c) {
            const int64_t i = r * stride + c;
            const float s = b == nullptr ? a[i] : a[i] + b[i];
            ds[i] = s > 0.0f ? g[i] : slope[c] * g[i];
            total[c] += s > 0.0f ? 0.0f : g[i] * s;
        }
    }
    for (int64_t c = 0; c < kChannelBlock; ++c) {
        negatives[c] = total[c];
    }
}

void gradientPartial(const float *a, const float *b, const float *g, const float *slope,
                     int64_t rows, int64_t stride, int64_t width, float *ds, float *negatives) {
    for (int64_t c = 0; c < width; ++c) {
        double total = 0;
        for (int64_t r = 0; r < rows; ++r) {
            const int64_t i = r * stride + c;
            const float s = b == nullptr ? a[i] : a[i] + b[i];
            ds[i] = s > 0.0f ? g[i] : slope[c] * g[i];
            total += s > 0.0f ? 0.0f : g[i] * s;
        }
        negatives[c] = static_cast<float>(total);
    }
}

std::optional<Rows> rowsOf(const at::Tensor &x) {
    return x.defined() ? std::optional<Rows>(std::in_place, x) : std::nullopt;
}

// Far above where a quotient by it would lose digits.
constexpr float kLeastSlope = 1e-6f;

struct PReLU : torch::autograd::Function<PReLU> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &a,
                              const std::optional<at::Tensor> &addend, const at::Tensor &slope) {
        const at::Tensor b = addend.value_or(at::Tensor());
        TORCH_CHECK(!b.defined() || a.sizes() == b.sizes(),
                    "expected two tensors of one shape, found ", a.sizes(), " and ", b.sizes());
        TORCH_CHECK(a.dim() == 4 && a.size(1) == slope.numel(), "expected ", slope.numel(),
                    " channels, found an input of shape ", a.sizes());
        context->saved_data["adds"] = b.defined();
        context->saved_data["from output"] = false;
        if (!hasFastPath(a)) {
            context->save_for_backward({a, b, slope});
            const at::Tensor s = b.defined() ? a + b : a;
            return at::where(s > 0, s, s * slope.view({1, -1, 1, 1}));
        }
        const Rows left(a);
        const std::optional<Rows> right = rowsOf(b);
        at::Tensor y = at::empty_like(left.tensor);
        float *out = y.data_ptr<float>();
        const float *slopes = slope.data_ptr<float>();
        const bool isFromOutput = std::all_of(slopes, slopes + left.channels,
                                              [](float value) { return value >= kLeastSlope; });
        context->saved_data["from output"] = isFromOutput;
        context->save_for_backward({isFromOutput ? y : a, isFromOutput ? at::Tensor() : b, slope});
        forEachChunk(Chunks(left.rows, left.channels), [&](int64_t, int64_t first, int64_t last) {
            const int64_t offset = first * left.channels;
            preluRows(left.data() + offset, right ? right->data() + offset : nullptr, slopes,
                      last - first, left.channels, out + offset);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor slope = saved[2];
        const bool adds = context->saved_data["adds"].toBool();
        const bool isFromOutput = context->saved_data["from output"].toBool();
        if (!hasFastPath(saved[0])) {
            const at::Tensor g = gradients[0];
            const at::Tensor s = saved[1].defined() ? saved[0] + saved[1] : saved[0];
            const at::Tensor ds = at::where(s > 0, g, g * slope.view({1, -1, 1, 1}));
            const at::Tensor dslope = at::where(s > 0, at::zeros_like(s), g * s);
            return {ds, adds ? ds : at::Tensor(),
                    dslope.sum(at::IntArrayRef({0, 2, 3})).view_as(slope)};
        }
        const Rows a(saved[0]), g(gradients[0]);
        const std::optional<Rows> b = rowsOf(saved[1]);
        const int64_t channels = a.channels;
        const Chunks chunks(a.rows, channels);
        at::Tensor ds = at::empty_like(a.tensor), dslope = at::empty_like(slope);
        float *out = ds.data_ptr<float>();
        const float *slopes = slope.data_ptr<float>();
        std::vector<float> parts(chunks.count * channels);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            forEachBlock(channels, [&](int64_t c, int64_t width) {
                const int64_t offset = first * channels + c;
                const float *addend = b ? b->data() + offset : nullptr;
                float *part = &parts[chunk * channels + c];
                if (width == kChannelBlock) {
                    gradientBlock(a.data() + offset, addend, g.data() + offset, slopes + c,
                                  last - first, channels, out + offset, part);
                } else {
                    gradientPartial(a.data() + offset, addend, g.data() + offset, slopes + c,
                                    last - first, channels, width, out + offset, part);
                }
            });
        });
        for (int64_t c = 0; c < channels; ++c) {
            double total = 0;
            for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
                total += parts[chunk * channels + c];
            }
            dslope.data_ptr<float>()[c] =
                static_cast<float>(isFromOutput ? total / slopes[c] : total);
        }
        return {ds, adds ? ds : at::Tensor(), dslope};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_fused_prelu(const ctorch_tensor *a, const ctorch_tensor *b, const ctorch_tensor *slope,
                       ctorch_tensor **result, char **error) {
    return produced("prelu", {a, b, slope}, result, error, [&] {
        const auto addend = b == nullptr ? std::nullopt : std::optional<at::Tensor>(unwrap(b));
        return bonn::PReLU::apply(unwrap(a), addend, unwrap(slope));
    });
}
