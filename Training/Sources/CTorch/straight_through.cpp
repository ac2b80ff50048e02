// What every estimator is made of: signs, and the value of one tensor with the gradient of another.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ops/alias.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bonn {

BONN_VECTOR_CLONES static void signRow(const float *x, float *signs, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        signs[i] = x[i] >= 0 ? 1.0f : -1.0f;
    }
}

at::Tensor signOf(const at::Tensor &x) {
    const bool isPlain = x.device().is_cpu() && x.scalar_type() == at::kFloat &&
                         x.is_non_overlapping_and_dense() && !x.is_neg();
    if (!isPlain)
        return (x >= 0).to(x.scalar_type()).mul_(2.0).sub_(1.0);
    // The order in memory is that of x, so that one loop serves every layout.
    at::Tensor signs = at::empty_like(x);
    const float *from = x.const_data_ptr<float>();
    float *to = signs.data_ptr<float>();
    at::parallel_for(0, x.numel(), 32768, [&](int64_t first, int64_t last) {
        signRow(from + first, to + first, last - first);
    });
    return signs;
}

namespace {

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

int ctorch_straight_through(const ctorch_tensor *value, const ctorch_tensor *surrogate,
                            ctorch_tensor **result, char **error) {
    return produced("straightThrough", {value, surrogate}, result, error, [&] {
        TORCH_CHECK(unwrap(value).sizes() == unwrap(surrogate).sizes(), "a value of shape ",
                    unwrap(value).sizes(), " cannot have the gradient of a tensor of shape ",
                    unwrap(surrogate).sizes());
        return bonn::StraightThrough::apply(unwrap(value).detach(), unwrap(surrogate));
    });
}
