// A shift and a sign in one operation: y = sign(z), z = x + shift (the RSign of Liu et al., ECCV
// 2020).
//
//   dL/dx = dL/dy slope(z)        dL/dshift_c = sum of dL/dx
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <torch/csrc/autograd/custom_function.h>

namespace bonn {
namespace {

BONN_VECTOR_CLONES void signRows(const float *x, const float *shift, int64_t rows, int64_t channels,
                                 float *y) {
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < channels; ++c) {
            y[r * channels + c] = x[r * channels + c] + shift[c] >= 0.0f ? 1.0f : -1.0f;
        }
    }
}

template <Estimator estimator>
BONN_INLINE void gradientColumns(const float *x, const float *shift, const float *g, Window window,
                                 int64_t rows, int64_t stride, int64_t width, float *dx,
                                 float *dshift) {
    float total[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < width; ++c) {
            const int64_t i = r * stride + c;
            dx[i] = g[i] * slope<estimator>(x[i] + shift[c], window);
            total[c] += dx[i];
        }
    }
    for (int64_t c = 0; c < width; ++c) {
        dshift[c] = total[c];
    }
}

#define BONN_DEFINE_GRADIENT(NAME)                                                                 \
    BONN_VECTOR_CLONES void NAME##Gradient(const float *x, const float *shift, const float *g,     \
                                           Window window, int64_t rows, int64_t stride,            \
                                           int64_t width, float *dx, float *dshift) {              \
        if (width == kChannelBlock) {                                                              \
            gradientColumns<Estimator::NAME>(x, shift, g, window, rows, stride, kChannelBlock, dx, \
                                             dshift);                                              \
        } else {                                                                                   \
            gradientColumns<Estimator::NAME>(x, shift, g, window, rows, stride, width, dx,         \
                                             dshift);                                              \
        }                                                                                          \
    }
BONN_DEFINE_GRADIENT(polynomial)
BONN_DEFINE_GRADIENT(clip)
#undef BONN_DEFINE_GRADIENT

struct ShiftedSign : torch::autograd::Function<ShiftedSign> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              const at::Tensor &shift, int64_t estimator, double window) {
        TORCH_CHECK(x.dim() == 4 && x.size(1) == shift.numel(), "expected ", shift.numel(),
                    " channels, found an input of shape ", x.sizes());
        context->save_for_backward({x, shift});
        context->saved_data["estimator"] = estimator;
        context->saved_data["window"] = window;
        if (!hasFastPath(x))
            return signOf(x + shift.view({1, -1, 1, 1}));
        const Rows rows(x);
        at::Tensor y = at::empty_like(rows.tensor);
        float *out = y.data_ptr<float>();
        const float *shifts = shift.const_data_ptr<float>();
        forEachChunk(Chunks(rows.rows, rows.channels), [&](int64_t, int64_t first, int64_t last) {
            const int64_t offset = first * rows.channels;
            signRows(rows.data() + offset, shifts, last - first, rows.channels, out + offset);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor shift = saved[1];
        const auto estimator = static_cast<Estimator>(context->saved_data["estimator"].toInt());
        const double width = context->saved_data["window"].toDouble();
        if (!hasFastPath(saved[0])) {
            const at::Tensor z = saved[0] + shift.view({1, -1, 1, 1});
            const at::Tensor dx = gradients[0] * slopeOf(z, estimator, width);
            return {dx, dx.sum(at::IntArrayRef({0, 2, 3})).view_as(shift), at::Tensor(),
                    at::Tensor()};
        }
        const Rows x(saved[0]), g(gradients[0]);
        const Chunks chunks(x.rows, x.channels);
        at::Tensor dx = at::empty_like(x.tensor);
        float *out = dx.data_ptr<float>();
        const float *shifts = shift.const_data_ptr<float>();
        const auto kernel = estimator == Estimator::polynomial ? polynomialGradient : clipGradient;
        const Window window(width);
        ChannelSums sums(chunks, x.channels);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            forEachBlock(x.channels, [&](int64_t c, int64_t width) {
                const int64_t offset = first * x.channels + c;
                kernel(x.data() + offset, shifts + c, g.data() + offset, window, last - first,
                       x.channels, width, out + offset, sums.part(chunk, 0) + c);
            });
        });
        return {dx, sums.total(0).view_as(shift), at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor shiftedSign(const at::Tensor &x, const at::Tensor &shift, int64_t estimator,
                       double window) {
    return ShiftedSign::apply(x, shift, estimator, window);
}

} // namespace bonn
