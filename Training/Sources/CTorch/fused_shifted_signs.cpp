// Activations of several planes (ABC-Net, equations 6 to 9): y = sum_n beta_n s_n with
//
//     s_n = +1 where x + v_n >= 1/2, else -1;    ds_n/dx = ds_n/dv_n = 1 where 0 <= x + v_n <= 1,
//     else 0
//
// in one pass over x, and one more over x and dL/dy = g in backward:
//
//     t_n = g beta_n ds_n/dx      dL/dx = sum_n t_n      dL/dv_n = sum t_n      dL/dbeta_n = sum g
//     s_n
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

namespace bonn {
namespace {

constexpr int64_t kLanes = 16;

BONN_VECTOR_CLONES void planes(const float *x, int64_t count, const float *shifts,
                               const float *weights, int64_t terms, float *y) {
    for (int64_t i = 0; i < count; ++i) {
        y[i] = 0;
    }
    for (int64_t n = 0; n < terms; ++n) {
        const float shift = shifts[n], weight = weights[n];
        for (int64_t i = 0; i < count; ++i) {
            y[i] += x[i] + shift >= 0.5f ? weight : -weight;
        }
    }
}

// Sums have a lane for each of 16 neighbours: vectors add up without an order of their own.
BONN_VECTOR_CLONES void planeGradients(const float *x, const float *g, int64_t count,
                                       const float *shifts, const float *weights, int64_t terms,
                                       float *dx, float *shiftSums, float *weightSums) {
    for (int64_t first = 0; first < count; first += kLanes) {
        const int64_t width = std::min(kLanes, count - first);
        float near[kLanes] = {0}, gradient[kLanes] = {0}, total[kLanes] = {0};
        for (int64_t l = 0; l < width; ++l) {
            near[l] = x[first + l];
            gradient[l] = g[first + l];
        }
        for (int64_t n = 0; n < terms; ++n) {
            const float shift = shifts[n], weight = weights[n];
            for (int64_t l = 0; l < kLanes; ++l) {
                const float z = near[l] + shift;
                const float t = z >= 0.0f && z <= 1.0f ? gradient[l] * weight : 0.0f;
                total[l] += t;
                shiftSums[n * kLanes + l] += t;
                weightSums[n * kLanes + l] += z >= 0.5f ? gradient[l] : -gradient[l];
            }
        }
        for (int64_t l = 0; l < width; ++l) {
            dx[first + l] = total[l];
        }
    }
}

struct ShiftedSigns : torch::autograd::Function<ShiftedSigns> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                              const at::Tensor &shifts, const at::Tensor &weights) {
        TORCH_CHECK(shifts.dim() == 1 && shifts.sizes() == weights.sizes(),
                    "expected as many weights as shifts, found ", shifts.sizes(), " and ",
                    weights.sizes());
        // The order in memory does not matter, as long as there are no gaps.
        const at::Tensor x = input.is_non_overlapping_and_dense() ? input : input.contiguous();
        context->save_for_backward({x, shifts, weights});
        if (!isFast(x)) {
            at::Tensor y = at::zeros_like(x);
            for (int64_t n = 0; n < shifts.numel(); ++n) {
                y = y + signOf(x + shifts[n] - 0.5) * weights[n];
            }
            return y;
        }
        at::Tensor y = at::empty_like(x);
        const float *from = x.const_data_ptr<float>();
        const float *v = shifts.const_data_ptr<float>(), *beta = weights.const_data_ptr<float>();
        float *to = y.data_ptr<float>();
        forEachChunk(Chunks(x.numel(), 1), [&](int64_t, int64_t first, int64_t last) {
            planes(from + first, last - first, v, beta, shifts.numel(), to + first);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor x = saved[0], shifts = saved[1], weights = saved[2];
        const int64_t terms = shifts.numel();
        at::Tensor dshifts = at::zeros_like(shifts), dweights = at::zeros_like(weights);
        if (!isFast(x)) {
            at::Tensor dx = at::zeros_like(x);
            for (int64_t n = 0; n < terms; ++n) {
                const at::Tensor z = x + shifts[n];
                const at::Tensor t = gradients[0] * weights[n] * (z >= 0) * (z <= 1);
                dx = dx + t;
                dshifts[n] = t.sum();
                dweights[n] = (gradients[0] * signOf(z - 0.5)).sum();
            }
            return {dx, dshifts, dweights};
        }
        // In the order of x.
        const at::Tensor g = gradients[0].strides() == x.strides()
                                 ? gradients[0]
                                 : at::empty_like(x).copy_(gradients[0]);
        at::Tensor dx = at::empty_like(x);
        const float *from = x.const_data_ptr<float>(), *dy = g.const_data_ptr<float>();
        const float *v = shifts.const_data_ptr<float>(), *beta = weights.const_data_ptr<float>();
        float *to = dx.data_ptr<float>();
        const Chunks chunks(x.numel(), 1);
        const int64_t sums = terms * kLanes;
        std::vector<float> shiftSums(chunks.count * sums), weightSums(chunks.count * sums);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            planeGradients(from + first, dy + first, last - first, v, beta, terms, to + first,
                           &shiftSums[chunk * sums], &weightSums[chunk * sums]);
        });
        for (int64_t n = 0; n < terms; ++n) {
            double shift = 0, weight = 0;
            for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
                for (int64_t l = 0; l < kLanes; ++l) {
                    shift += shiftSums[chunk * sums + n * kLanes + l];
                    weight += weightSums[chunk * sums + n * kLanes + l];
                }
            }
            dshifts.data_ptr<float>()[n] = static_cast<float>(shift);
            dweights.data_ptr<float>()[n] = static_cast<float>(weight);
        }
        return {dx, dshifts, dweights};
    }

    static bool isFast(const at::Tensor &x) {
        return isPlainFloat(x) && x.numel() > 0;
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_shifted_signs(const ctorch_tensor *x, const ctorch_tensor *shifts,
                         const ctorch_tensor *weights, ctorch_tensor **result, char **error) {
    return produced("shiftedSigns", {x, shifts, weights}, result, error, [&] {
        return bonn::ShiftedSigns::apply(unwrap(x), unwrap(shifts), unwrap(weights));
    });
}
