// Functions of single elements, and the matrix product.
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ops/isfinite.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>

using namespace ctorch;

// MKL takes square roots of floats that are an ulp off, which ones depends on the processor: a
// network would not start as the same network on two machines. Through doubles each is rounded
// correctly.
static at::Tensor square_root(const at::Tensor &x) {
    if (!x.device().is_cpu() || x.scalar_type() != at::kFloat)
        return x.sqrt();
    return x.to(at::kDouble).sqrt().to(at::kFloat);
}

#define UNARY(name, expression)                                                                    \
    CTORCH_UNARY(name) {                                                                           \
        return produced(#name, {x}, result, error, [&] {                                           \
            const at::Tensor &value = unwrap(x);                                                   \
            return expression;                                                                     \
        });                                                                                        \
    }
UNARY(neg, value.neg())
UNARY(abs, value.abs())
UNARY(sqrt, square_root(value))
UNARY(rsqrt, value.rsqrt())
UNARY(exp, value.exp())
UNARY(log, value.log())
UNARY(square, value.square())
UNARY(sin, value.sin())
UNARY(cos, value.cos())
UNARY(tanh, value.tanh())
UNARY(sigmoid, value.sigmoid())
UNARY(relu, value.relu())
UNARY(floor, value.floor())
UNARY(round, value.round())
UNARY(isfinite, at::isfinite(value))
UNARY(sign, value.detach().ge(0).to(value.scalar_type()).mul_(2).sub_(1))
#undef UNARY

#define BINARY(name, method)                                                                       \
    CTORCH_BINARY(name) {                                                                          \
        return produced(#name, {a, b}, result, error,                                              \
                        [&] { return unwrap(a).method(unwrap(b)); });                              \
    }
BINARY(add, add)
BINARY(sub, sub)
BINARY(mul, mul)
BINARY(div, div)
BINARY(pow, pow)
BINARY(maximum, maximum)
BINARY(minimum, minimum)
BINARY(ge, ge)
BINARY(gt, gt)
BINARY(le, le)
BINARY(lt, lt)
BINARY(eq, eq)
BINARY(matmul, matmul)
#undef BINARY

#define SCALAR(name, method)                                                                       \
    CTORCH_SCALAR(name) {                                                                          \
        return produced(#method, {a}, result, error, [&] { return unwrap(a).method(b); });         \
    }
SCALAR(add_scalar, add)
SCALAR(sub_scalar, sub)
SCALAR(mul_scalar, mul)
SCALAR(div_scalar, div)
SCALAR(pow_scalar, pow)
SCALAR(ge_scalar, ge)
SCALAR(gt_scalar, gt)
SCALAR(le_scalar, le)
SCALAR(lt_scalar, lt)
SCALAR(eq_scalar, eq)
#undef SCALAR

// A number as the left operand: a "wrapped" one leaves the element type to the tensor. (Python's
// `1 / x` is a reciprocal and a product, which rounds twice.)
static at::Tensor number(double value) {
    at::Tensor tensor = at::scalar_tensor(value, at::kDouble);
    tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
    return tensor;
}

CTORCH_SCALAR(scalar_sub) {
    return produced("sub", {a}, result, error, [&] { return number(b).sub(unwrap(a)); });
}

CTORCH_SCALAR(scalar_div) {
    return produced("div", {a}, result, error, [&] { return number(b).div(unwrap(a)); });
}

int ctorch_clamp(const ctorch_tensor *x, const double *min, const double *max,
                 ctorch_tensor **result, char **error) {
    return produced("clamp", {x}, result, error, [&] {
        const auto bound = [](const double *value) {
            return value == nullptr ? std::nullopt : std::optional<at::Scalar>(*value);
        };
        const bool isBounded = min != nullptr && max != nullptr;
        return isBounded && bonn::isPlainFloat(unwrap(x))
                   ? bonn::clamped(unwrap(x), static_cast<float>(*min), static_cast<float>(*max))
                   : unwrap(x).clamp(bound(min), bound(max));
    });
}

int ctorch_where(const ctorch_tensor *condition, const ctorch_tensor *a, const ctorch_tensor *b,
                 ctorch_tensor **result, char **error) {
    return produced("where", {condition, a, b}, result, error,
                    [&] { return at::where(unwrap(condition), unwrap(a), unwrap(b)); });
}
