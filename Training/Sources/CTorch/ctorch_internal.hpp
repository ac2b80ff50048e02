// What every file of CTorch shares: the handles, the exception wall, and the checks that the
// LibTorch in use is one that this code was written for. Needs only the tensor class; each file
// includes the ATen/ops headers it calls.
#pragma once

#if !__has_include(<ATen/core/Tensor.h>)
#error "LibTorch not found: set LIBTORCH to a folder with include/ and lib/ (README.md, Training)."
#endif

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <torch/headeronly/version.h>

#include "ctorch.h"

#ifndef CTORCH_ANY_LIBTORCH
static_assert(TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 11 && TORCH_VERSION_MINOR <= 13,
              "CTorch is tested with LibTorch 2.11 to 2.13. To try another one, build with "
              "-Xcxx -DCTORCH_ANY_LIBTORCH.");
#endif

// One reference to a LibTorch tensor. Never holds an undefined tensor.
struct ctorch_tensor {
    at::Tensor value;
};

struct ctorch_generator {
    at::Generator value;
};

namespace ctorch {

// The tensors to name in an error message; null ones are passed over.
using Inputs = c10::ArrayRef<const ctorch_tensor *>;

// Turns the exception being handled into a message in `*error` and returns 1. Only from a catch.
int report(const char *operation, Inputs inputs, char **error) noexcept;

// The exception wall: runs `body` and returns 0, or 1 with the message of whatever it threw.
template <class Body>
int guarded(const char *operation, Inputs inputs, char **error, Body &&body) noexcept {
    try {
        body();
        return 0;
    } catch (...) {
        return report(operation, inputs, error);
    }
}

inline ctorch_tensor *wrap(at::Tensor value) {
    return new ctorch_tensor{std::move(value)};
}

// The wall around a body that returns an at::Tensor, which becomes `*result`.
template <class Body>
int produced(const char *operation, Inputs inputs, ctorch_tensor **result, char **error,
             Body &&body) noexcept {
    return guarded(operation, inputs, error, [&] { *result = wrap(body()); });
}

inline const at::Tensor &unwrap(const ctorch_tensor *x) {
    return x->value;
}

// An argument that may be null.
inline std::optional<at::Tensor> optional(const ctorch_tensor *x) {
    return x == nullptr ? std::nullopt : std::optional<at::Tensor>(x->value);
}

// Extents as LibTorch wants them: ptrdiff_t and int64_t are different types on some systems.
inline c10::SmallVector<int64_t, 6> extents(ctorch_extents values, size_t count) {
    return c10::SmallVector<int64_t, 6>(values, values + count);
}

at::ScalarType scalar_type(ctorch_dtype dtype);
at::Device device(ctorch_device device);
at::TensorOptions options(ctorch_dtype dtype, ctorch_device device);

// Throws while gradients are being recorded: LibTorch would record the change or refuse it, which
// of the two depends on the tensor.
void require_no_gradient_mode();

} // namespace ctorch
