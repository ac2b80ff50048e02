// Gradients: the mode of the thread, leaves, the backward pass.
#include "ctorch_internal.hpp"

#include <ATen/ops/alias.h>
#include <c10/core/GradMode.h>

#include <cstring>
#include <memory>
#include <string>

using namespace ctorch;

bool ctorch_set_gradient_mode(bool enabled) {
    const bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled);
    return before;
}

bool ctorch_gradient_mode(void) {
    return c10::GradMode::is_enabled();
}

bool ctorch_requires_gradient(const ctorch_tensor *x) {
    return unwrap(x).requires_grad();
}

int ctorch_set_requires_gradient(ctorch_tensor *x, bool flag, char **error) {
    return guarded("requiresGradient", {x}, error, [&] {
        TORCH_CHECK(unwrap(x).is_leaf(),
                    "only a leaf can be asked to require a gradient; detach it first");
        x->value.set_requires_grad(flag);
    });
}

int ctorch_detach(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("detached", {x}, result, error, [&] { return unwrap(x).detach(); });
}

int ctorch_map_gradient(const ctorch_tensor *x, void *context, ctorch_gradient_map map,
                        void (*release)(void *), ctorch_tensor **result, char **error) {
    return produced("mappingGradient", {x}, result, error, [&] {
        const std::shared_ptr<void> owner(context, release);
        at::Tensor same = at::alias(unwrap(x));
        if (!same.requires_grad())
            return same;
        same.register_hook([owner, map](const at::Tensor &gradient) {
            ctorch_tensor mapped{gradient};
            char *message = nullptr;
            if (map(owner.get(), wrap(gradient), &mapped, &message) != 0) {
                const std::string text = message == nullptr ? "out of memory" : message;
                ctorch_free_message(message);
                TORCH_CHECK(false, text);
            }
            TORCH_CHECK(mapped.value.sizes() == gradient.sizes(), "a gradient of shape ",
                        gradient.sizes(), " became one of shape ", mapped.value.sizes());
            return mapped.value;
        });
        return same;
    });
}

void ctorch_share(ctorch_tensor *target, const ctorch_tensor *source) {
    target->value = source->value;
}

char *ctorch_message(const char *text) {
    return strdup(text);
}

int ctorch_backward(const ctorch_tensor *x, const ctorch_tensor *gradient, bool retain_graph,
                    char **error) {
    return guarded("backward", {x, gradient}, error, [&] {
        unwrap(x).backward(optional(gradient).value_or(at::Tensor()), retain_graph);
    });
}

int ctorch_gradient(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return guarded("grad", {x}, error, [&] {
        const at::Tensor &gradient = unwrap(x).grad();
        *result = gradient.defined() ? wrap(gradient) : nullptr;
    });
}

int ctorch_set_gradient(ctorch_tensor *x, const ctorch_tensor *gradient, char **error) {
    return guarded("set grad", {x, gradient}, error, [&] {
        TORCH_CHECK(gradient == nullptr || unwrap(gradient).sizes() == unwrap(x).sizes(),
                    "a gradient has the shape of its tensor");
        x->value.mutable_grad() = optional(gradient).value_or(at::Tensor());
    });
}
