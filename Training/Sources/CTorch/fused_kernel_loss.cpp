// The Bayesian kernel loss of one layer, sum over its kernels i of (equation 7, scalar form)
//
//   J_i = sum_k (xhat_k - w_k x_k)^2 + nu sum_k (|x_k| - mu_i)^2 / sigma_i^2 + nu N_i log sigma_i^2
//
// X: [K, C, kh, kw], one kernel i per output filter, N_i = C kh kw; w: [kh, kw]; mu, sigma: [K].
// xhat is a constant of the loss: wbar sign(X) (readings A and C) or sign(X) (reading B); reading C
// replaces the first term by (wbar sign(X) - X)^2. The returned gradients are those the paper
// prints, for L_B = lambda / 2 * sum J (the caller multiplies by lambda / 2):
//   dX     = 2 { w o (w o X - xhat) + nu sigma^-2 (X -+ mu) }              (equation 13)
//   dw     = 2 sum_i (w o X_i - xhat_i) o X_i                              (equation 16)
//   dmu    = 2 nu sigma^-2 (mu - mean|X_i|)                                (equation 17)
//   dsigma = 2 nu (sigma^-1 - sigma^-3 mean (|X_i| - mu)^2)                (equation 18)
// Equations 17 and 18 are the derivatives of J_i divided by N_i, as printed.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace bonn {
namespace {

struct KernelLoss : torch::autograd::Function<KernelLoss> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &latent,
                              const at::Tensor &w, const at::Tensor &mu, const at::Tensor &sigma,
                              double nu, int64_t reading) {
        TORCH_CHECK(latent.dim() == 4 && mu.numel() == latent.size(0) &&
                        sigma.numel() == latent.size(0),
                    "expected latent weights [K, C, kh, kw] and mu, sigma [K], found ",
                    latent.sizes(), ", ", mu.sizes(), " and ", sigma.sizes());
        const double entries = static_cast<double>(latent.numel() / latent.size(0));
        const at::Tensor mean = w.mean();
        const at::Tensor signs = signOf(latent);
        const at::Tensor m = mu.view({-1, 1, 1, 1});
        // sigma^-2 is unbounded once the modes are sharp, hence the floor.
        const at::Tensor s = sigma.clamp_min(1e-3);
        const at::Tensor inverse = s.pow(-2).view({-1, 1, 1, 1});
        const at::Tensor deviation = latent.abs() - m;
        at::Tensor residual, dX, dw;
        if (reading == 2) {
            residual = latent - signs * mean;
            dX = residual;
            dw = ((-residual * signs).sum() / static_cast<double>(w.numel()))
                     .expand_as(w)
                     .contiguous();
        } else {
            residual = latent * w - (reading == 1 ? signs : signs * mean);
            dX = residual * w;
            dw = (residual * latent).sum(at::IntArrayRef({0, 1}));
        }
        dX = dX + deviation * signs * inverse * nu;
        const at::Tensor squares = deviation.square();
        const at::Tensor perKernel = squares.mean(at::IntArrayRef({1, 2, 3}));
        const at::Tensor dmu =
            (mu - latent.abs().mean(at::IntArrayRef({1, 2, 3}))) * s.pow(-2) * nu;
        const at::Tensor dsigma = (s.reciprocal() - s.pow(-3) * perKernel) * nu;
        context->save_for_backward({dX * 2.0, dw * 2.0, dmu * 2.0, dsigma * 2.0});
        return residual.square().sum() +
               nu * ((squares * inverse).sum() + entries * s.log().sum() * 2.0);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor g = gradients[0], none;
        return {saved[0] * g, saved[1] * g, saved[2] * g, saved[3] * g, none, none};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_kernel_loss(const ctorch_tensor *latent, const ctorch_tensor *scale,
                       const ctorch_tensor *mu, const ctorch_tensor *sigma, double nu,
                       int64_t reading, ctorch_tensor **result, char **error) {
    return produced("kernelLoss", {latent, scale, mu, sigma}, result, error, [&] {
        return bonn::KernelLoss::apply(unwrap(latent), unwrap(scale), unwrap(mu), unwrap(sigma), nu,
                                       reading);
    });
}
