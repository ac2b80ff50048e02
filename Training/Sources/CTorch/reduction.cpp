// Sums, means, extremes and what normalises by them.
#include "ctorch_internal.hpp"

using namespace ctorch;

int ctorch_sum(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("sum", {x}, result, error, [&] { return unwrap(x).sum(); });
}

int ctorch_mean(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("mean", {x}, result, error, [&] { return unwrap(x).mean(); });
}

int ctorch_norm(const ctorch_tensor *x, ctorch_tensor **result, char **error) {
    return produced("norm", {x}, result, error, [&] { return unwrap(x).norm(); });
}

#define REDUCTION(name, method)                                                                    \
    CTORCH_REDUCTION(name) {                                                                       \
        return produced(#method, {x}, result, error,                                               \
                        [&] { return unwrap(x).method(extents(dims, count), keep); });             \
    }
REDUCTION(sum_dims, sum)
REDUCTION(mean_dims, mean)
REDUCTION(amax, amax)
REDUCTION(amin, amin)
#undef REDUCTION

int ctorch_variance(const ctorch_tensor *x, ctorch_extents dims, size_t count, bool unbiased,
                    bool keep, ctorch_tensor **result, char **error) {
    return produced("variance", {x}, result, error, [&] {
        // In two passes, which LibTorch sums by vectors; its own `var` goes number by number.
        const auto axes = extents(dims, count);
        const at::Tensor offsets = unwrap(x).sub(unwrap(x).mean(axes, true));
        const at::Tensor squares = offsets.square().sum(axes, keep);
        const int64_t terms = unwrap(x).numel() / std::max<int64_t>(1, squares.numel());
        return squares.div(static_cast<double>(unbiased ? terms - 1 : terms));
    });
}

int ctorch_argmax(const ctorch_tensor *x, ptrdiff_t dim, bool keep, ctorch_tensor **result,
                  char **error) {
    return produced("argmax", {x}, result, error, [&] { return unwrap(x).argmax(dim, keep); });
}

int ctorch_topk(const ctorch_tensor *x, ptrdiff_t k, ptrdiff_t dim, ctorch_tensor **values,
                ctorch_tensor **indices, char **error) {
    return guarded("topk", {x}, error, [&] {
        auto [largest, where] = unwrap(x).topk(k, dim);
        auto first = std::unique_ptr<ctorch_tensor>(wrap(std::move(largest)));
        *indices = wrap(std::move(where));
        *values = first.release();
    });
}

int ctorch_softmax(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error) {
    return produced("softmax", {x}, result, error, [&] { return unwrap(x).softmax(dim); });
}

int ctorch_log_softmax(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result,
                       char **error) {
    return produced("logSoftmax", {x}, result, error, [&] { return unwrap(x).log_softmax(dim); });
}
