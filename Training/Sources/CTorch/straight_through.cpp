// What estimators are made of: signs, signs with a slope, limited numbers, and the value of one
// tensor with the gradient of another.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ops/alias.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

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
    parallelFor(x.numel(), kElementsATask, [&](int64_t first, int64_t last) {
        signRow(from + first, to + first, last - first);
    });
    return signs;
}

at::Tensor slopeOf(const at::Tensor &z, Estimator estimator, double window) {
    const double height = std::max(1.0, 1 / window);
    const at::Tensor magnitude = (z * (1 / window)).abs();
    if (estimator == Estimator::polynomial)
        return (2.0 - 2.0 * magnitude).clamp_min(0.0) * height;
    return (magnitude <= 1.0).to(z.scalar_type()) * height;
}

namespace {

// What body(x, g, count, dx) makes of x and a gradient, where both are floats in the same order of
// memory.
template <typename Body>
std::optional<at::Tensor> inOneLoop(const at::Tensor &x, const at::Tensor &gradient,
                                    const Body &body) {
    if (!isPlainFloat(x) || !isPlainFloat(gradient) || x.strides() != gradient.strides())
        return std::nullopt;
    at::Tensor dx = at::empty_like(x);
    const float *from = x.const_data_ptr<float>(), *g = gradient.const_data_ptr<float>();
    float *to = dx.data_ptr<float>();
    parallelFor(x.numel(), kElementsATask, [&](int64_t first, int64_t last) {
        body(from + first, g + first, last - first, to + first);
    });
    return dx;
}

#define BONN_DEFINE_SLOPED(NAME)                                                                   \
    BONN_VECTOR_CLONES void NAME##Sloped(const float *x, const float *g, int64_t count,            \
                                         Window window, float *dx) {                               \
        for (int64_t i = 0; i < count; ++i) {                                                      \
            dx[i] = g[i] * slope<Estimator::NAME>(x[i], window);                                   \
        }                                                                                          \
    }
BONN_DEFINE_SLOPED(polynomial)
BONN_DEFINE_SLOPED(clip)
#undef BONN_DEFINE_SLOPED

// sign(x) with the gradient of a slope: dL/dx = dL/dy slope(x).
struct SlopedSign : torch::autograd::Function<SlopedSign> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              int64_t estimator, double window) {
        context->save_for_backward({x});
        context->saved_data["estimator"] = estimator;
        context->saved_data["window"] = window;
        return signOf(x);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const at::Tensor x = context->get_saved_variables()[0], gradient = gradients[0];
        const auto estimator = static_cast<Estimator>(context->saved_data["estimator"].toInt());
        const double width = context->saved_data["window"].toDouble();
        const auto kernel = estimator == Estimator::polynomial ? polynomialSloped : clipSloped;
        const auto dx = inOneLoop(x, gradient,
                                  [=](const float *from, const float *g, int64_t count, float *to) {
                                      kernel(from, g, count, Window(width), to);
                                  });
        return {dx ? *dx : gradient * slopeOf(x, estimator, width), at::Tensor(), at::Tensor()};
    }
};

BONN_VECTOR_CLONES void passInside(const float *x, const float *g, int64_t count, float low,
                                   float high, float *dx) {
    for (int64_t i = 0; i < count; ++i) {
        dx[i] = x[i] >= low && x[i] <= high ? g[i] : 0.0f;
    }
}

// LibTorch's own takes ten times as long backward, where it makes a mask of two masks.
struct Clamped : torch::autograd::Function<Clamped> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                              double low, double high) {
        context->save_for_backward({x});
        context->saved_data["low"] = low;
        context->saved_data["high"] = high;
        return x.clamp(low, high);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const at::Tensor x = context->get_saved_variables()[0], gradient = gradients[0];
        const auto low = static_cast<float>(context->saved_data["low"].toDouble());
        const auto high = static_cast<float>(context->saved_data["high"].toDouble());
        const auto dx = inOneLoop(x, gradient,
                                  [=](const float *from, const float *g, int64_t count, float *to) {
                                      passInside(from, g, count, low, high, to);
                                  });
        if (dx)
            return {*dx, at::Tensor(), at::Tensor()};
        const at::Tensor isInside = (x >= low).logical_and_(x <= high);
        return {at::where(isInside, gradient, 0.0), at::Tensor(), at::Tensor()};
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

at::Tensor clamped(const at::Tensor &x, float low, float high) {
    return x.requires_grad() ? Clamped::apply(x, low, high) : x.clamp(low, high);
}

} // namespace bonn

using namespace ctorch;

int ctorch_sign_or_plus_one(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("signOrPlusOne", {x}, result, error,
                    [&] { return bonn::signOf(unwrap(x).detach()); });
}

int ctorch_sloped_sign(const ctorch_tensor *x, const ctorch_tensor *shift, int64_t estimator,
                       double window, ctorch_tensor **result, char **error) {
    return produced("slopedSign", {x, shift}, result, error, [&] {
        return shift == nullptr ? bonn::SlopedSign::apply(unwrap(x), estimator, window)
                                : bonn::shiftedSign(unwrap(x), unwrap(shift), estimator, window);
    });
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
