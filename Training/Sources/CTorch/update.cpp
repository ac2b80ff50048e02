// Changes in place, for parameters, running statistics and optimiser state.
#include "ctorch_internal.hpp"

using namespace ctorch;

namespace {

template <class Body>
int updated(const char *operation, Inputs inputs, char **error, Body &&body) noexcept {
    return guarded(operation, inputs, error, [&] {
        require_no_gradient_mode();
        body();
    });
}

} // namespace

int ctorch_copy_(ctorch_tensor *x, const ctorch_tensor *source, char **error) {
    return updated("copy_", {x, source}, error, [&] {
        // LibTorch would broadcast: a checkpoint of another network must not load that way.
        TORCH_CHECK(unwrap(x).sizes() == unwrap(source).sizes(), "the shapes differ");
        x->value.copy_(unwrap(source));
    });
}

int ctorch_add_(ctorch_tensor *x, const ctorch_tensor *other, double scale, char **error) {
    return updated("add_", {x, other}, error, [&] { x->value.add_(unwrap(other), scale); });
}

int ctorch_mul_(ctorch_tensor *x, double factor, char **error) {
    return updated("mul_", {x}, error, [&] { x->value.mul_(factor); });
}

int ctorch_fill_(ctorch_tensor *x, double value, char **error) {
    return updated("fill_", {x}, error, [&] { x->value.fill_(value); });
}

int ctorch_clamp_(ctorch_tensor *x, double min, double max, char **error) {
    return updated("clamp_", {x}, error, [&] { x->value.clamp_(min, max); });
}

int ctorch_lerp_(ctorch_tensor *x, const ctorch_tensor *end, double weight, char **error) {
    return updated("lerp_", {x, end}, error, [&] { x->value.lerp_(unwrap(end), weight); });
}
