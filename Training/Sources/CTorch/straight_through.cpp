// What estimators are made of: signs, signs with a slope, and the value of one tensor with the
// gradient of another.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ops/alias.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bonn {

static constexpr int64_t kElementsATask = 32768;

BONN_VECTOR_CLONES static void signRow(const float *x, float *signs, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        signs[i] = x[i] >= 0 ? 1.0f : -1.0f;
    }
}

at::Tensor signOf(const at::Tensor &x) {
    if (!isPlainFloat(x))
        return (x >= 0).to(x.scalar_type()).mul_(2.0).sub_(1.0);
    // The order in memory is that of x, so that one loop serves every layout.
    at::Tensor signs = at::empty_like(x);
    const float *from = x.const_data_ptr<float>();
    float *to = signs.data_ptr<float>();
    at::parallel_for(0, x.numel(), kElementsATask, [&](int64_t first, int64_t last) {
        signRow(from + first, to + first, last - first);
    });
    return signs;
}

at::Tensor slopeOf(const at::Tensor &z, Estimator estimator) {
    if (estimator == Estimator::polynomial)
        return (2.0 - 2.0 * z.abs()).clamp_min(0.0);
    return (z.abs() <= 1.0).to(z.scalar_type());
}

namespace {

// In the order of memory: both have the same.
#define BONN_DEFINE_SLOPED(NAME)                                                                   \
    BONN_VECTOR_CLONES void NAME##Sloped(const float *x, const float *g, int64_t count,            \
                                         float *dx) {                                              \
        for (int64_t i = 0; i < count; ++i) {                                                      \
            dx[i] = g[i] * slope<Estimator::NAME>(x[i]);                                           \
        }                                                                                          \
    }
BONN_DEFINE_SLOPED(polynomial)
BONN_DEFINE_SLOPED(clip)
#undef BONN_DEFINE_SLOPED

// sign(x) with the gradient of a slope: dL/dx = dL/dy slope(x).
struct SlopedSign : torch::autograd::Function<SlopedSign> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              int64_t estimator) {
        context->save_for_backward({x});
        context->saved_data["estimator"] = estimator;
        return signOf(x);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const at::Tensor x = context->get_saved_variables()[0], gradient = gradients[0];
        const auto estimator = static_cast<Estimator>(context->saved_data["estimator"].toInt());
        const bool isPlain =
            isPlainFloat(x) && isPlainFloat(gradient) && x.strides() == gradient.strides();
        if (!isPlain)
            return {gradient * slopeOf(x, estimator), at::Tensor()};
        at::Tensor dx = at::empty_like(x);
        const float *from = x.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
        float *to = dx.data_ptr<float>();
        const auto sloped = estimator == Estimator::polynomial ? polynomialSloped : clipSloped;
        at::parallel_for(0, x.numel(), kElementsATask, [&](int64_t first, int64_t last) {
            sloped(from + first, g + first, last - first, to + first);
        });
        return {dx, at::Tensor()};
    }
};

struct StraightThrough : torch::autograd::Function<StraightThrough> {
    static at::Tensor forward(torch::autograd::AutogradContext *, const at::Tensor &value,
                              const at::Tensor &) {
        return at::alias(value);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *,
                                                   torch::autograd::variable_list gradients) {
        return {at::Tensor(), gradients[0]};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_sign_or_plus_one(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("signOrPlusOne", {x}, result, error,
                    [&] { return bonn::signOf(unwrap(x).detach()); });
}

int ctorch_sloped_sign(const ctorch_tensor *x, int64_t estimator, ctorch_tensor **result,
                       char **error) {
    return produced("slopedSign", {x}, result, error,
                    [&] { return bonn::SlopedSign::apply(unwrap(x), estimator); });
}

int ctorch_straight_through(const ctorch_tensor *value, const ctorch_tensor *surrogate,
                            ctorch_tensor **result, char **error) {
    return produced("straightThrough", {value, surrogate}, result, error, [&] {
        TORCH_CHECK(unwrap(value).sizes() == unwrap(surrogate).sizes(), "a value of shape ",
                    unwrap(value).sizes(), " cannot have the gradient of a tensor of shape ",
                    unwrap(surrogate).sizes());
        return bonn::StraightThrough::apply(unwrap(value).detach(), unwrap(surrogate));
    });
}
