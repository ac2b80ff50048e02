// A sum, shifts and PReLU in one operation:
//   s = a + b + shift,  y = (s > 0 ? s : slope * s) + after
// of which b and the shifts may be missing (with shifts it is the RPReLU of Liu et al., ECCV 2020).
//
//   dL/da = dL/db = ds = g * (s > 0 ? 1 : slope)      dL/dshift_c = sum of ds      dL/dafter_c =
//   sum of g dL/dslope_c = sum over s <= 0 of g * s
//
// Where all slopes are positive, y - after has the sign of s, and s = (y - after) / slope where it
// is negative. Without `after` y, which what follows keeps anyway, is then all that backward needs;
// with it the difference would lose digits. Otherwise a and b are kept, and added again. LibTorch's
// backward of PReLU alone takes ten times as long. As there, 0 has the slope of negative numbers:
// sums of signs are 0 often.
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

namespace bonn {
namespace {

// Where one chunk and one block of channels begin; b, shift and after may be null.
struct Operands {
    const float *a, *b, *shift, *slope, *after;

    float sum(int64_t i, int64_t c) const {
        const float s = b == nullptr ? a[i] : a[i] + b[i];
        return shift == nullptr ? s : s + shift[c];
    }
};

// What backward adds up for each channel.
struct Totals {
    float *slope, *shift, *after;
};

BONN_VECTOR_CLONES void preluRows(const Operands x, int64_t rows, int64_t channels, float *y) {
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < channels; ++c) {
            const int64_t i = r * channels + c;
            const float s = x.sum(i, c);
            const float value = s > 0.0f ? s : x.slope[c] * s;
            y[i] = x.after == nullptr ? value : value + x.after[c];
        }
    }
}

BONN_INLINE void gradientColumns(const Operands &x, const float *g, int64_t rows, int64_t stride,
                                 int64_t width, float *ds, const Totals &totals) {
    float slope[kChannelBlock] = {0}, shift[kChannelBlock] = {0}, after[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < width; ++c) {
            const int64_t i = r * stride + c;
            const float s = x.sum(i, c);
            ds[i] = s > 0.0f ? g[i] : x.slope[c] * g[i];
            slope[c] += s > 0.0f ? 0.0f : g[i] * s;
            shift[c] += ds[i];
            after[c] += g[i];
        }
    }
    for (int64_t c = 0; c < width; ++c) {
        totals.slope[c] = slope[c];
        totals.shift[c] = shift[c];
        totals.after[c] = after[c];
    }
}

BONN_VECTOR_CLONES void gradientBlock(const Operands x, const float *g, int64_t rows,
                                      int64_t stride, int64_t width, float *ds,
                                      const Totals totals) {
    if (width == kChannelBlock) {
        gradientColumns(x, g, rows, stride, kChannelBlock, ds, totals);
    } else {
        gradientColumns(x, g, rows, stride, width, ds, totals);
    }
}

std::optional<Rows> rowsOf(const at::Tensor &x) {
    return x.defined() ? std::optional<Rows>(std::in_place, x) : std::nullopt;
}

const float *numbers(const at::Tensor &x) {
    return x.defined() ? x.const_data_ptr<float>() : nullptr;
}

at::Tensor perChannel(const at::Tensor &x) {
    return x.view({1, -1, 1, 1});
}

at::Tensor sumOf(const at::Tensor &a, const at::Tensor &b, const at::Tensor &shift) {
    const at::Tensor s = b.defined() ? a + b : a;
    return shift.defined() ? s + perChannel(shift) : s;
}

// Far above where a quotient by it would lose digits.
constexpr float kLeastSlope = 1e-6f;

struct PReLU : torch::autograd::Function<PReLU> {
    using MaybeTensor = std::optional<at::Tensor>;

    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &a,
                              const MaybeTensor &addend, const MaybeTensor &before,
                              const at::Tensor &slope, const MaybeTensor &behind) {
        const at::Tensor b = addend.value_or(at::Tensor()), shift = before.value_or(at::Tensor()),
                         after = behind.value_or(at::Tensor());
        TORCH_CHECK(!b.defined() || a.sizes() == b.sizes(),
                    "expected two tensors of one shape, found ", a.sizes(), " and ", b.sizes());
        for (const at::Tensor &vector : {slope, shift, after}) {
            TORCH_CHECK(!vector.defined() || (a.dim() == 4 && a.size(1) == vector.numel()),
                        "expected ", vector.numel(), " channels, found an input of shape ",
                        a.sizes());
        }
        context->saved_data["adds"] = b.defined();
        context->saved_data["shifts"] = shift.defined();
        context->saved_data["after"] = after.defined();
        context->saved_data["from output"] = false;
        if (!hasFastPath(a)) {
            context->save_for_backward({a, b, shift, slope});
            const at::Tensor s = sumOf(a, b, shift);
            const at::Tensor y = at::where(s > 0, s, s * perChannel(slope));
            return after.defined() ? y + perChannel(after) : y;
        }
        const Rows left(a);
        const std::optional<Rows> right = rowsOf(b);
        at::Tensor y = at::empty_like(left.tensor);
        float *out = y.data_ptr<float>();
        const float *slopes = numbers(slope);
        const bool isFromOutput =
            !after.defined() && std::all_of(slopes, slopes + left.channels,
                                            [](float value) { return value >= kLeastSlope; });
        context->saved_data["from output"] = isFromOutput;
        const at::Tensor nothing;
        context->save_for_backward({isFromOutput ? y : a, isFromOutput ? nothing : b,
                                    isFromOutput ? nothing : shift, slope});
        forEachChunk(Chunks(left.rows, left.channels), [&](int64_t, int64_t first, int64_t last) {
            const int64_t offset = first * left.channels;
            preluRows({left.data() + offset, right ? right->data() + offset : nullptr,
                       numbers(shift), slopes, numbers(after)},
                      last - first, left.channels, out + offset);
        });
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const at::Tensor shift = saved[2], slope = saved[3], nothing;
        const bool adds = context->saved_data["adds"].toBool(),
                   shifts = context->saved_data["shifts"].toBool(),
                   hasAfter = context->saved_data["after"].toBool(),
                   isFromOutput = context->saved_data["from output"].toBool();
        if (!hasFastPath(saved[0])) {
            const at::Tensor g = gradients[0], s = sumOf(saved[0], saved[1], shift);
            const at::Tensor ds = at::where(s > 0, g, g * perChannel(slope));
            const auto summed = [](const at::Tensor &x) {
                return x.sum(at::IntArrayRef({0, 2, 3}));
            };
            return {ds, adds ? ds : nothing, shifts ? summed(ds) : nothing,
                    summed(at::where(s > 0, at::zeros_like(s), g * s)).view_as(slope),
                    hasAfter ? summed(g) : nothing};
        }
        const Rows a(saved[0]), g(gradients[0]);
        const std::optional<Rows> b = rowsOf(saved[1]);
        const int64_t channels = a.channels;
        const Chunks chunks(a.rows, channels);
        at::Tensor ds = at::empty_like(a.tensor);
        float *out = ds.data_ptr<float>();
        ChannelSums sums(chunks, channels, 3);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            forEachBlock(channels, [&](int64_t c, int64_t width) {
                const int64_t offset = first * channels + c;
                const Operands x{a.data() + offset, b ? b->data() + offset : nullptr,
                                 shift.defined() ? numbers(shift) + c : nullptr, numbers(slope) + c,
                                 nullptr};
                const Totals totals{sums.part(chunk, 0) + c, sums.part(chunk, 1) + c,
                                    sums.part(chunk, 2) + c};
                gradientBlock(x, g.data() + offset, last - first, channels, width, out + offset,
                              totals);
            });
        });
        const at::Tensor dslope = isFromOutput ? sums.total(0) / slope : sums.total(0);
        return {ds, adds ? ds : nothing, shifts ? sums.total(1) : nothing, dslope.view_as(slope),
                hasAfter ? sums.total(2) : nothing};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_fused_prelu(const ctorch_tensor *a, const ctorch_tensor *b, const ctorch_tensor *shift,
                       const ctorch_tensor *slope, const ctorch_tensor *after,
                       ctorch_tensor **result, char **error) {
    return produced("prelu", {a, b, shift, slope, after}, result, error, [&] {
        return bonn::PReLU::apply(unwrap(a), optional(b), optional(shift), unwrap(slope),
                                  optional(after));
    });
}
