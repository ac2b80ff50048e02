// Binary kernels of BONN: the forward of Algorithm 1 and the backward of equations 12 and 15.
//
// X: latent weights [K, C, kh, kw]; w: scale vector [kh, kw], shared by all kernels of the layer;
// wbar = mean(w). Readings of the paper's w (they differ between its equations and its algorithm):
//   A, C   Xhat = kernel = wbar * sign(X)                                  (Algorithm 1, line 5)
//   B      Xhat = sign(X), kernel = sign(X) / wbar                         (equation 1 taken
//   literally)
// With g = dL_S/dXhat and the indicator I = 1{ -1 <= w o X <= 1 }:
//   dL_S/dX = g o I o w                                                    (equation 12)
//   dL_S/dw = sum over kernels of g o I o X                                (equation 15, "printed")
// or, with the derivative of the forward pass itself ("true"):
//   A, C   dL_S/dw_j = 1 / (kh kw) * sum g o sign(X)
//   B      dL_S/dw_j = -1 / (kh kw wbar^2) * sum (dL_S/dkernel) o sign(X)
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bonn {
namespace {

enum class Reading : int64_t { A = 0, B = 1, C = 2 };

struct BinaryKernel : torch::autograd::Function<BinaryKernel> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &latent,
                              const at::Tensor &w, int64_t reading, bool trueScaleGradient) {
        TORCH_CHECK(latent.dim() == 4 && w.dim() == 2 && latent.size(2) == w.size(0) &&
                        latent.size(3) == w.size(1),
                    "expected latent weights [K, C, kh, kw] and a scale vector [kh, kw], found ",
                    latent.sizes(), " and ", w.sizes());
        context->save_for_backward({latent, w});
        context->saved_data["reading"] = reading;
        context->saved_data["true"] = trueScaleGradient;
        const at::Tensor mean = w.mean(), signs = signOf(latent);
        return static_cast<Reading>(reading) == Reading::B ? signs / mean : signs * mean;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor latent = saved[0], w = saved[1], dKernel = gradients[0];
        const bool inverse =
            static_cast<Reading>(context->saved_data["reading"].toInt()) == Reading::B;
        const at::Tensor mean = w.mean();
        const at::Tensor g = inverse ? dKernel / mean : dKernel;
        const at::Tensor masked = g * ((latent * w).abs() <= 1);
        at::Tensor dw;
        if (context->saved_data["true"].toBool()) {
            at::Tensor total = (dKernel * signOf(latent)).sum() / static_cast<double>(w.numel());
            dw = (inverse ? -total / (mean * mean) : total).expand_as(w).contiguous();
        } else {
            dw = (masked * latent).sum(at::IntArrayRef({0, 1}));
        }
        return {masked * w, dw, at::Tensor(), at::Tensor()};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_binary_kernel(const ctorch_tensor *latent, const ctorch_tensor *scale, int64_t reading,
                         bool true_scale_gradient, ctorch_tensor **result, char **error) {
    return produced("binaryKernel", {latent, scale}, result, error, [&] {
        return bonn::BinaryKernel::apply(unwrap(latent), unwrap(scale), reading,
                                         true_scale_gradient);
    });
}
