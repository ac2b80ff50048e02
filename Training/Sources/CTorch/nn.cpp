// The operations that networks are made of.
#include "ctorch_internal.hpp"

#include <ATen/Context.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>

using namespace ctorch;

int ctorch_linear(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                  ctorch_tensor **result, char **error) {
    return produced("linear", {x, weight, bias}, result, error,
                    [&] { return at::linear(unwrap(x), unwrap(weight), optional(bias)); });
}

int ctorch_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight, const ctorch_tensor *bias,
                  int64_t stride, int64_t padding, int64_t dilation, int64_t groups,
                  ctorch_tensor **result, char **error) {
    return produced("conv2d", {x, weight, bias}, result, error, [&] {
        return at::conv2d(unwrap(x), unwrap(weight), optional(bias), stride,
                          at::IntArrayRef(padding), dilation, groups);
    });
}

int ctorch_batch_norm(const ctorch_tensor *x, const ctorch_tensor *weight,
                      const ctorch_tensor *bias, const ctorch_tensor *running_mean,
                      const ctorch_tensor *running_variance, bool training, double momentum,
                      double epsilon, ctorch_tensor **result, char **error) {
    return produced(
        "batchNorm", {x, weight, bias, running_mean, running_variance}, result, error, [&] {
            const at::Tensor &input = unwrap(x);
            // Python's front end checks this, LibTorch does not: a variance of one value is 0 / 0.
            TORCH_CHECK(!training || input.dim() < 2 || input.numel() > input.size(1),
                        "expected more than one value per channel when training");
            return at::batch_norm(input, optional(weight), optional(bias), optional(running_mean),
                                  optional(running_variance), training, momentum, epsilon,
                                  at::globalContext().userEnabledCuDNN());
        });
}

int ctorch_avg_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding,
                      bool ceil_mode, bool count_padding, ctorch_tensor **result, char **error) {
    return produced("avgPool2d", {x}, result, error, [&] {
        return at::avg_pool2d(unwrap(x), kernel, stride, padding, ceil_mode, count_padding);
    });
}

int ctorch_max_pool2d(const ctorch_tensor *x, int64_t kernel, int64_t stride, int64_t padding,
                      bool ceil_mode, ctorch_tensor **result, char **error) {
    return produced("maxPool2d", {x}, result, error, [&] {
        return at::max_pool2d(unwrap(x), kernel, stride, padding, /*dilation=*/1, ceil_mode);
    });
}

int ctorch_adaptive_avg_pool2d(const ctorch_tensor *x, int64_t height, int64_t width,
                               ctorch_tensor **result, char **error) {
    return produced("adaptiveAvgPool2d", {x}, result, error, [&] {
        return at::adaptive_avg_pool2d(unwrap(x), {height, width});
    });
}

int ctorch_prelu(const ctorch_tensor *x, const ctorch_tensor *slope, ctorch_tensor **result,
                 char **error) {
    return produced("prelu", {x, slope}, result, error,
                    [&] { return unwrap(x).prelu(unwrap(slope)); });
}

int ctorch_leaky_relu(const ctorch_tensor *x, double slope, ctorch_tensor **result, char **error) {
    return produced("leakyReLU", {x}, result, error,
                    [&] { return at::leaky_relu(unwrap(x), slope); });
}

int ctorch_dropout(const ctorch_tensor *x, double probability, ctorch_generator *generator,
                   ctorch_tensor **result, char **error) {
    return produced("dropout", {x}, result, error, [&] {
        TORCH_CHECK(probability >= 0 && probability < 1, "probability must be in [0, 1), found ",
                    probability);
        // LibTorch's own dropout draws from the global generator only.
        const double kept = 1 - probability;
        at::Tensor mask = at::empty_like(unwrap(x)).bernoulli_(kept, generator->value);
        return unwrap(x).mul(mask.div_(kept));
    });
}

int ctorch_cross_entropy(const ctorch_tensor *logits, const ctorch_tensor *targets,
                         const ctorch_tensor *weights, double label_smoothing,
                         ctorch_tensor **result, char **error) {
    return produced("crossEntropy", {logits, targets, weights}, result, error, [&] {
        return at::cross_entropy_loss(unwrap(logits), unwrap(targets), optional(weights),
                                      at::Reduction::Mean, /*ignore_index=*/-100, label_smoothing);
    });
}
