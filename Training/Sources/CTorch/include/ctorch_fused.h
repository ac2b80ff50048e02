/* The fused operations of BONN, behind the same plain C as ctorch.h.
 *
 * Those of training are one node of autograd each, with a hand-written backward pass; the
 * derivations stand in the fused_*.cpp files. On the CPU with float32 they take a fast path over
 * channels-last memory, on anything else they are composed of LibTorch's operations. */
#ifndef CTORCH_FUSED_H
#define CTORCH_FUSED_H

#include "ctorch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -1 or +1 of each element, in its own type and layout; sign(0) = +1, of NaN -1. Without a
 * gradient. */
int ctorch_sign_or_plus_one(const ctorch_tensor *x, ctorch_tensor **result, char **error);

/* The same of x + shift, with the gradient of a slope. shift [C] for x [N, C, H, W], or null.
 * estimator: its shape, 0 polynomial, 1 clip; window: what the shape is stretched to, by
 * max(1, 1 / window) shape(x / window). */
int ctorch_sloped_sign(const ctorch_tensor *x, const ctorch_tensor *shift, int64_t estimator,
                       double window, ctorch_tensor **result, char **error);

/* sum_n weights[n] sign(x + shifts[n] - 1/2), the sign with slope 1 over [0, 1] of x + shifts[n].
 * shifts, weights [n]. */
int ctorch_shifted_signs(const ctorch_tensor *x, const ctorch_tensor *shifts,
                         const ctorch_tensor *weights, ctorch_tensor **result, char **error);

/* The values of `value`, with the gradient of `surrogate`, which has the same shape. */
int ctorch_straight_through(const ctorch_tensor *value, const ctorch_tensor *surrogate,
                            ctorch_tensor **result, char **error);

/* sign(batch norm(x)): +-1, sign(0) = +1. x [N, C, H, W]; all others [C]. Running statistics are
 * updated when training. estimator and window as above. */
int ctorch_batch_norm_sign(const ctorch_tensor *x, const ctorch_tensor *weight,
                           const ctorch_tensor *bias, const ctorch_tensor *running_mean,
                           const ctorch_tensor *running_variance, bool training, double momentum,
                           double epsilon, int64_t estimator, double window, ctorch_tensor **result,
                           char **error);

/* PReLU(a + b + shift) + after. a, b [N, C, H, W]; shift, slope, after [C]; b, shift and after may
 * be null. */
int ctorch_fused_prelu(const ctorch_tensor *a, const ctorch_tensor *b, const ctorch_tensor *shift,
                       const ctorch_tensor *slope, const ctorch_tensor *after,
                       ctorch_tensor **result, char **error);

/* The kernel of a binary convolution. latent [K, C, kh, kw]; scale [kh, kw]. reading: 0 A, 1 B,
 * 2 C (A's forward pass). */
int ctorch_binary_kernel(const ctorch_tensor *latent, const ctorch_tensor *scale, int64_t reading,
                         bool true_scale_gradient, ctorch_tensor **result, char **error);

/* Sum of J_i over the kernels of one layer, a scalar. mu, sigma [K]. */
int ctorch_kernel_loss(const ctorch_tensor *latent, const ctorch_tensor *scale,
                       const ctorch_tensor *mu, const ctorch_tensor *sigma, double nu,
                       int64_t reading, ctorch_tensor **result, char **error);

/* The convolution of a quantized layer, without bias and with zeros as padding: x [N, C, H, W],
 * kernel [K, C / groups, kh, kw]. From bits where x holds signs and the kernel signs times one
 * number an output channel (fused_convolution.cpp). rounds_gradients: whether the backward pass
 * multiplies in bfloat16. */
int ctorch_quantized_conv2d(const ctorch_tensor *x, const ctorch_tensor *kernel, int64_t stride,
                            int64_t padding, int64_t dilation, int64_t groups,
                            bool rounds_gradients, ctorch_tensor **result, char **error);

/* Real convolution in deployment arithmetic (fused_deployment.cpp), computed on the CPU and
 * without a gradient, for tensors of any device. x [N, C, H, W]; weight [K, C, kh, kw]; bias [K] or
 * null. Returns [N, K, H', W']. */
int ctorch_chained_conv2d(const ctorch_tensor *x, const ctorch_tensor *weight,
                          const ctorch_tensor *bias, int64_t stride, int64_t padding,
                          int64_t dilation, ctorch_tensor **result, char **error);

#ifdef __cplusplus
}
#endif

#endif
