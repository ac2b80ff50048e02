// Batch norm and sign in one operation: y = sign(gamma * (x - mean) / sqrt(var + eps) + beta).
//
// The value between the two is never stored. Forward reads x once from memory (statistics and
// output, chunk by chunk, from cache); backward computes the normalised value again from x.
//
//   n = (x - mean) * invstd          z = gamma * n + beta          t = dL/dy * slope(z)
//   dL/dbeta = sum t                 dL/dgamma = sum t n
//   dL/dx = gamma * invstd * (t - sum t / R - n * sum(t n) / R)      (training)
//   dL/dx = gamma * invstd * t                                       (running statistics)
#include "ctorch_fused.h"
#include "ctorch_internal.hpp"
#include "fused_rows.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

namespace bonn {
namespace {

// Sum over rows of one block of channels, then the sum of squared deviations from the mean found.
BONN_VECTOR_CLONES void chunkMoments(const float *x, int64_t rows, int64_t stride, float *mean,
                                     float *m2) {
    float sum[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < kChannelBlock; ++c) {
            sum[c] += x[r * stride + c];
        }
    }
    float average[kChannelBlock], squares[kChannelBlock] = {0};
    for (int64_t c = 0; c < kChannelBlock; ++c) {
        average[c] = sum[c] / static_cast<float>(rows);
    }
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < kChannelBlock; ++c) {
            const float d = x[r * stride + c] - average[c];
            squares[c] += d * d;
        }
    }
    for (int64_t c = 0; c < kChannelBlock; ++c) {
        mean[c] = average[c];
        m2[c] = squares[c];
    }
}

void chunkMomentsPartial(const float *x, int64_t rows, int64_t stride, int64_t width, float *mean,
                         float *m2) {
    for (int64_t c = 0; c < width; ++c) {
        double sum = 0, squares = 0;
        for (int64_t r = 0; r < rows; ++r) {
            sum += x[r * stride + c];
        }
        const double average = sum / static_cast<double>(rows);
        for (int64_t r = 0; r < rows; ++r) {
            const double d = x[r * stride + c] - average;
            squares += d * d;
        }
        mean[c] = static_cast<float>(average);
        m2[c] = static_cast<float>(squares);
    }
}

BONN_VECTOR_CLONES void signOfAffine(const float *x, int64_t rows, int64_t channels,
                                     const float *scale, const float *shift, float *y) {
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < channels; ++c) {
            const float z = x[r * channels + c] * scale[c] + shift[c];
            y[r * channels + c] = z >= 0.0f ? 1.0f : -1.0f;
        }
    }
}

// What the loops of the backward pass know of each channel.
struct ChannelData {
    const float *mean, *invstd, *gamma, *beta;
};

template <Estimator estimator>
inline void sumsBody(const float *x, const float *g, int64_t rows, int64_t stride, int64_t width,
                     const float *mean, const float *invstd, const float *gamma, const float *beta,
                     Window window, float *sumT, float *sumTN) {
    float st[kChannelBlock] = {0}, stn[kChannelBlock] = {0};
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t c = 0; c < width; ++c) {
            const float n = (x[r * stride + c] - mean[c]) * invstd[c];
            const float t = g[r * stride + c] * slope<estimator>(gamma[c] * n + beta[c], window);
            st[c] += t;
            stn[c] += t * n;
        }
    }
    for (int64_t c = 0; c < width; ++c) {
        sumT[c] = st[c];
        sumTN[c] = stn[c];
    }
}

// The two estimators as plain functions: target_clones does not combine with templates.
#define BONN_DEFINE_BACKWARD(NAME)                                                                 \
    BONN_VECTOR_CLONES void NAME##Sums(const float *x, const float *g, int64_t rows,               \
                                       int64_t stride, ChannelData d, Window window, float *st,    \
                                       float *stn) {                                               \
        sumsBody<Estimator::NAME>(x, g, rows, stride, kChannelBlock, d.mean, d.invstd, d.gamma,    \
                                  d.beta, window, st, stn);                                        \
    }                                                                                              \
    BONN_VECTOR_CLONES void NAME##Gradient(const float *x, const float *g, int64_t rows,           \
                                           int64_t channels, ChannelData d, Window window,         \
                                           const float *meanT, const float *meanTN, float *dx) {   \
        for (int64_t r = 0; r < rows; ++r) {                                                       \
            for (int64_t c = 0; c < channels; ++c) {                                               \
                const float n = (x[r * channels + c] - d.mean[c]) * d.invstd[c];                   \
                const float z = d.gamma[c] * n + d.beta[c];                                        \
                const float t = g[r * channels + c] * slope<Estimator::NAME>(z, window);           \
                dx[r * channels + c] = d.gamma[c] * d.invstd[c] * (t - meanT[c] - n * meanTN[c]);  \
            }                                                                                      \
        }                                                                                          \
    }
BONN_DEFINE_BACKWARD(polynomial)
BONN_DEFINE_BACKWARD(clip)
#undef BONN_DEFINE_BACKWARD

struct Statistics {
    at::Tensor mean, variance; // float32 [C]; the variance is biased
};

// Mean and variance over all rows: moments of each chunk, joined in chunk order (Chan et al.).
Statistics batchStatistics(const Rows &x) {
    const Chunks chunks(x.rows, x.channels);
    const int64_t channels = x.channels;
    std::vector<float> mean(chunks.count * channels), m2(chunks.count * channels);
    forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
        forEachBlock(channels, [&](int64_t c, int64_t width) {
            const float *start = x.data() + first * channels + c;
            float *outMean = &mean[chunk * channels + c], *outM2 = &m2[chunk * channels + c];
            if (width == kChannelBlock) {
                chunkMoments(start, last - first, channels, outMean, outM2);
            } else {
                chunkMomentsPartial(start, last - first, channels, width, outMean, outM2);
            }
        });
    });
    Statistics result{at::empty({channels}, at::kFloat), at::empty({channels}, at::kFloat)};
    for (int64_t c = 0; c < channels; ++c) {
        double average = 0, squares = 0, count = 0;
        for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
            const double n = static_cast<double>(chunks.end(chunk) - chunks.begin(chunk));
            const double delta = mean[chunk * channels + c] - average;
            average += delta * n / (count + n);
            squares += m2[chunk * channels + c] + delta * delta * count * n / (count + n);
            count += n;
        }
        result.mean.data_ptr<float>()[c] = static_cast<float>(average);
        result.variance.data_ptr<float>()[c] = static_cast<float>(squares / count);
    }
    return result;
}

at::Tensor perChannel(const at::Tensor &v) {
    return v.view({1, -1, 1, 1});
}

struct BatchNormSign : torch::autograd::Function<BatchNormSign> {
    static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input,
                              const at::Tensor &gamma, const at::Tensor &beta,
                              const at::Tensor &runningMean, const at::Tensor &runningVariance,
                              bool training, double momentum, double epsilon, int64_t estimator,
                              double window) {
        TORCH_CHECK(input.dim() == 4, "expected an input [N, C, H, W], found ", input.sizes());
        TORCH_CHECK(input.size(1) == gamma.numel(), "expected ", gamma.numel(),
                    " channels, found an input of shape ", input.sizes());
        const bool fast = hasFastPath(input);
        at::Tensor x = fast ? input.contiguous(at::MemoryFormat::ChannelsLast) : input;
        const double count = static_cast<double>(input.numel() / input.size(1));
        at::Tensor mean = runningMean, variance = runningVariance;
        if (training) {
            TORCH_CHECK(count > 1, "batch statistics need more than one value per channel, found ",
                        input.sizes());
            if (fast) {
                Statistics statistics = batchStatistics(Rows(x));
                mean = statistics.mean;
                variance = statistics.variance;
            } else {
                mean = x.mean(at::IntArrayRef({0, 2, 3}));
                variance = x.var(at::IntArrayRef({0, 2, 3}), false);
            }
            runningMean.lerp_(mean, momentum);
            runningVariance.lerp_(variance * (count / (count - 1)), momentum);
        } else {
            mean = mean.clone();
        }
        at::Tensor invstd = (variance + epsilon).rsqrt();
        at::Tensor scale = gamma * invstd, shift = beta - mean * scale;
        at::Tensor y;
        if (fast) {
            y = at::empty_like(x);
            const Rows rows(x);
            float *out = y.data_ptr<float>();
            const float *s = scale.data_ptr<float>(), *b = shift.data_ptr<float>();
            forEachChunk(Chunks(rows.rows, rows.channels), [&](int64_t, int64_t first,
                                                               int64_t last) {
                const int64_t offset = first * rows.channels;
                signOfAffine(rows.data() + offset, last - first, rows.channels, s, b, out + offset);
            });
        } else {
            y = signOf(x * perChannel(scale) + perChannel(shift));
        }
        context->save_for_backward({x, gamma, beta, mean, invstd});
        context->saved_data["training"] = training;
        context->saved_data["estimator"] = estimator;
        context->saved_data["window"] = window;
        return y;
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                   torch::autograd::variable_list gradients) {
        auto saved = context->get_saved_variables();
        const at::Tensor x = saved[0], gamma = saved[1], beta = saved[2], mean = saved[3],
                         invstd = saved[4];
        const bool training = context->saved_data["training"].toBool();
        const auto estimator = static_cast<Estimator>(context->saved_data["estimator"].toInt());
        const double window = context->saved_data["window"].toDouble();
        at::Tensor dx, dgamma, dbeta;
        if (hasFastPath(x)) {
            std::tie(dx, dgamma, dbeta) =
                fastBackward(Rows(x), Rows(gradients[0]), gamma, beta, mean, invstd, training,
                             estimator, Window(window));
        } else {
            const double count = static_cast<double>(x.numel() / x.size(1));
            at::Tensor n = (x - perChannel(mean)) * perChannel(invstd);
            at::Tensor t =
                gradients[0] * slopeOf(n * perChannel(gamma) + perChannel(beta), estimator, window);
            dbeta = t.sum(at::IntArrayRef({0, 2, 3}));
            dgamma = (t * n).sum(at::IntArrayRef({0, 2, 3}));
            if (training) {
                t = t - perChannel(dbeta / count) - n * perChannel(dgamma / count);
            }
            dx = t * perChannel(gamma * invstd);
        }
        const at::Tensor none;
        return {dx, dgamma, dbeta, none, none, none, none, none, none, none};
    }

    static std::tuple<at::Tensor, at::Tensor, at::Tensor>
    fastBackward(const Rows &x, const Rows &g, const at::Tensor &gamma, const at::Tensor &beta,
                 const at::Tensor &mean, const at::Tensor &invstd, bool training,
                 Estimator estimator, Window window) {
        const int64_t channels = x.channels;
        const Chunks chunks(x.rows, channels);
        const ChannelData data{mean.data_ptr<float>(), invstd.data_ptr<float>(),
                               gamma.data_ptr<float>(), beta.data_ptr<float>()};
        const bool polynomial = estimator == Estimator::polynomial;
        ChannelSums sums(chunks, channels, 2);
        forEachChunk(chunks, [&](int64_t chunk, int64_t first, int64_t last) {
            forEachBlock(channels, [&](int64_t c, int64_t width) {
                const int64_t offset = first * channels + c;
                const ChannelData block{data.mean + c, data.invstd + c, data.gamma + c,
                                        data.beta + c};
                float *t = sums.part(chunk, 0) + c, *tn = sums.part(chunk, 1) + c;
                const float *xs = x.data() + offset, *gs = g.data() + offset;
                const int64_t rows = last - first;
                if (width < kChannelBlock) {
                    (polynomial ? sumsBody<Estimator::polynomial>
                                : sumsBody<Estimator::clip>)(xs, gs, rows, channels, width,
                                                             block.mean, block.invstd, block.gamma,
                                                             block.beta, window, t, tn);
                } else {
                    (polynomial ? polynomialSums : clipSums)(xs, gs, rows, channels, block, window,
                                                             t, tn);
                }
            });
        });
        std::vector<float> meanT(channels, 0.0f), meanTN(channels, 0.0f);
        for (int64_t c = 0; training && c < channels; ++c) {
            meanT[c] = static_cast<float>(sums.total(0, c) / static_cast<double>(x.rows));
            meanTN[c] = static_cast<float>(sums.total(1, c) / static_cast<double>(x.rows));
        }
        at::Tensor dx = at::empty_like(x.tensor);
        float *out = dx.data_ptr<float>();
        forEachChunk(chunks, [&](int64_t, int64_t first, int64_t last) {
            const int64_t offset = first * channels;
            (polynomial ? polynomialGradient : clipGradient)(
                x.data() + offset, g.data() + offset, last - first, channels, data, window,
                meanT.data(), meanTN.data(), out + offset);
        });
        return {dx, sums.total(1), sums.total(0)};
    }
};

} // namespace
} // namespace bonn

using namespace ctorch;

int ctorch_batch_norm_sign(const ctorch_tensor *x, const ctorch_tensor *weight,
                           const ctorch_tensor *bias, const ctorch_tensor *running_mean,
                           const ctorch_tensor *running_variance, bool training, double momentum,
                           double epsilon, int64_t estimator, double window, ctorch_tensor **result,
                           char **error) {
    return produced("batchNormSign", {x, weight, bias}, result, error, [&] {
        return bonn::BatchNormSign::apply(unwrap(x), unwrap(weight), unwrap(bias),
                                          unwrap(running_mean), unwrap(running_variance), training,
                                          momentum, epsilon, estimator, window);
    });
}
