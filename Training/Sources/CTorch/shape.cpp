// Views, slices and joins.
#include "ctorch_internal.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/stack.h>

using namespace ctorch;

namespace {

std::vector<at::Tensor> list(const ctorch_tensor *const *inputs, size_t count) {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        tensors.push_back(unwrap(inputs[i]));
    }
    return tensors;
}

} // namespace

int ctorch_reshape(const ctorch_tensor *x, ctorch_extents shape, size_t rank,
                   ctorch_tensor **result, char **error) {
    return produced("reshape", {x}, result, error,
                    [&] { return unwrap(x).reshape(extents(shape, rank)); });
}

int ctorch_view(const ctorch_tensor *x, ctorch_extents shape, size_t rank, ctorch_tensor **result,
                char **error) {
    return produced("view", {x}, result, error,
                    [&] { return unwrap(x).view(extents(shape, rank)); });
}

int ctorch_expand(const ctorch_tensor *x, ctorch_extents shape, size_t rank, ctorch_tensor **result,
                  char **error) {
    return produced("expand", {x}, result, error,
                    [&] { return unwrap(x).expand(extents(shape, rank)); });
}

int ctorch_permute(const ctorch_tensor *x, ctorch_extents dims, size_t rank, ctorch_tensor **result,
                   char **error) {
    return produced("permute", {x}, result, error,
                    [&] { return unwrap(x).permute(extents(dims, rank)); });
}

int ctorch_flip(const ctorch_tensor *x, ctorch_extents dims, size_t count, ctorch_tensor **result,
                char **error) {
    return produced("flip", {x}, result, error,
                    [&] { return unwrap(x).flip(extents(dims, count)); });
}

int ctorch_transpose(const ctorch_tensor *x, ptrdiff_t a, ptrdiff_t b, ctorch_tensor **result,
                     char **error) {
    return produced("transpose", {x}, result, error, [&] { return unwrap(x).transpose(a, b); });
}

int ctorch_flatten(const ctorch_tensor *x, ptrdiff_t first, ctorch_tensor **result, char **error) {
    return produced("flatten", {x}, result, error, [&] { return unwrap(x).flatten(first, -1); });
}

int ctorch_unsqueeze(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error) {
    return produced("unsqueeze", {x}, result, error, [&] { return unwrap(x).unsqueeze(dim); });
}

int ctorch_squeeze(const ctorch_tensor *x, ptrdiff_t dim, ctorch_tensor **result, char **error) {
    return produced("squeeze", {x}, result, error, [&] { return unwrap(x).squeeze(dim); });
}

int ctorch_narrow(const ctorch_tensor *x, ptrdiff_t dim, ptrdiff_t start, ptrdiff_t length,
                  ctorch_tensor **result, char **error) {
    return produced("narrow", {x}, result, error,
                    [&] { return unwrap(x).narrow(dim, start, length); });
}

int ctorch_select(const ctorch_tensor *x, ptrdiff_t dim, ptrdiff_t index, ctorch_tensor **result,
                  char **error) {
    return produced("select", {x}, result, error, [&] { return unwrap(x).select(dim, index); });
}

int ctorch_index_select(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                        ctorch_tensor **result, char **error) {
    return produced("indexSelect", {x, index}, result, error,
                    [&] { return unwrap(x).index_select(dim, unwrap(index)); });
}

int ctorch_gather(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                  ctorch_tensor **result, char **error) {
    return produced("gather", {x, index}, result, error,
                    [&] { return unwrap(x).gather(dim, unwrap(index)); });
}

int ctorch_index_add(const ctorch_tensor *x, ptrdiff_t dim, const ctorch_tensor *index,
                     const ctorch_tensor *source, ctorch_tensor **result, char **error) {
    return produced("indexAdd", {x, index, source}, result, error,
                    [&] { return unwrap(x).index_add(dim, unwrap(index), unwrap(source)); });
}

int ctorch_cat(const ctorch_tensor *const *inputs, size_t count, ptrdiff_t dim,
               ctorch_tensor **result, char **error) {
    return produced("cat", {inputs, count}, result, error,
                    [&] { return at::cat(list(inputs, count), dim); });
}

int ctorch_stack(const ctorch_tensor *const *inputs, size_t count, ptrdiff_t dim,
                 ctorch_tensor **result, char **error) {
    return produced("stack", {inputs, count}, result, error,
                    [&] { return at::stack(list(inputs, count), dim); });
}

int ctorch_pad(const ctorch_tensor *x, ctorch_extents widths, size_t count, const char *mode,
               double value, ctorch_tensor **result, char **error) {
    return produced("pad", {x}, result, error, [&] {
        // LibTorch refuses a fill value for the modes that copy.
        const bool fills = std::string_view(mode) == "constant";
        return at::pad(unwrap(x), extents(widths, count), mode,
                       fills ? std::optional<double>(value) : std::nullopt);
    });
}
