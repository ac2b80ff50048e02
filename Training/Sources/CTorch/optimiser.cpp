// One call per step and group, over LibTorch's fused kernels (CPU, CUDA and MPS have them).
#include "ctorch_internal.hpp"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>

#include <map>

using namespace ctorch;

namespace {

// The kernels walk parameter, gradient and state by one flat index, so all must be laid out alike.
at::Tensor laid_out_as(const at::Tensor &parameter, const at::Tensor &value) {
    if (value.strides() == parameter.strides()) {
        return value;
    }
    return at::empty_strided(parameter.sizes(), parameter.strides(), value.options()).copy_(value);
}

// The members of a group that have a gradient, as the lists that the kernels take.
struct Group {
    std::vector<size_t> members;
    std::vector<at::Tensor> parameters, gradients;

    Group(ctorch_tensor *const *all, size_t count) {
        for (size_t i = 0; i < count; ++i) {
            const at::Tensor &parameter = unwrap(all[i]);
            const at::Tensor &gradient = parameter.grad();
            if (!gradient.defined()) {
                continue;
            }
            TORCH_CHECK(parameter.is_non_overlapping_and_dense(), "parameter ", i,
                        " of the group is a view with gaps");
            members.push_back(i);
            parameters.push_back(parameter.detach());
            gradients.push_back(laid_out_as(parameter, gradient));
        }
    }

    std::vector<at::Tensor> state(ctorch_tensor *const *all) const {
        std::vector<at::Tensor> tensors;
        tensors.reserve(members.size());
        for (size_t i = 0; i < members.size(); ++i) {
            at::Tensor &value = all[members[i]]->value;
            if (value.strides() != parameters[i].strides()) {
                value = laid_out_as(parameters[i], value);
            }
            tensors.push_back(value);
        }
        return tensors;
    }
};

} // namespace

int ctorch_sgd_step(ctorch_tensor *const *parameters, ctorch_tensor *const *buffers, size_t count,
                    double learning_rate, double momentum, double weight_decay, bool nesterov,
                    char **error) {
    return guarded("SGD step", {}, error, [&] {
        const c10::AutoGradMode off(false);
        const Group group(parameters, count);
        if (group.members.empty()) {
            return;
        }
        const auto moving = momentum == 0 ? std::vector<at::Tensor>() : group.state(buffers);
        // A zero buffer makes the first step like the others, since dampening is 0.
        at::_fused_sgd_(group.parameters, group.gradients, moving, weight_decay, momentum,
                        learning_rate, /*dampening=*/0.0, nesterov, /*maximize=*/false,
                        /*is_first_step=*/false);
    });
}

int ctorch_adam_step(ctorch_tensor *const *parameters, ctorch_tensor *const *first_moments,
                     ctorch_tensor *const *second_moments, int64_t *steps, size_t count,
                     double learning_rate, double beta1, double beta2, double epsilon,
                     double weight_decay, bool decoupled, char **error) {
    return guarded("Adam step", {}, error, [&] {
        const c10::AutoGradMode off(false);
        const Group group(parameters, count);
        if (group.members.empty()) {
            return;
        }
        // The kernels read the step counts from tensors; members that joined together share one.
        std::map<int64_t, at::Tensor> shared;
        std::vector<at::Tensor> counts;
        for (size_t i = 0; i < group.members.size(); ++i) {
            const int64_t step = steps[group.members[i]] + 1;
            at::Tensor &value = shared[step];
            if (!value.defined()) {
                value = at::full({}, static_cast<double>(step),
                                 group.parameters[i].options().dtype(at::kFloat));
            }
            counts.push_back(value);
        }
        const auto first = group.state(first_moments);
        const auto second = group.state(second_moments);
        const auto update = [&](auto kernel) {
            kernel(group.parameters, group.gradients, first, second, at::TensorList(), counts,
                   learning_rate, beta1, beta2, weight_decay, epsilon, /*amsgrad=*/false,
                   /*maximize=*/false);
        };
        if (decoupled) {
            update([](const auto &...arguments) { at::_fused_adamw_(arguments...); });
        } else {
            update([](const auto &...arguments) { at::_fused_adam_(arguments...); });
        }
        for (const size_t member : group.members) {
            steps[member] += 1;
        }
    });
}
