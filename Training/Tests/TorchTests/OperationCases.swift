import Torch

/// The Swift side of every operation in Golden/record.py, under the same name; the arguments are
/// the inputs that it lists.
let operationCases: [String: @Sendable ([Tensor]) throws(TorchError) -> [Tensor]] = [
    "neg": { t throws(TorchError) in try [-t[0]] },
    "abs": { t throws(TorchError) in try [t[0].abs()] },
    "sqrt": { t throws(TorchError) in try [t[0].sqrt()] },
    "rsqrt": { t throws(TorchError) in try [t[0].rsqrt()] },
    "exp": { t throws(TorchError) in try [t[0].exp()] },
    "log": { t throws(TorchError) in try [t[0].log()] },
    "square": { t throws(TorchError) in try [t[0].square()] },
    "sin": { t throws(TorchError) in try [t[0].sin()] },
    "cos": { t throws(TorchError) in try [t[0].cos()] },
    "tanh": { t throws(TorchError) in try [t[0].tanh()] },
    "sigmoid": { t throws(TorchError) in try [t[0].sigmoid()] },
    "relu": { t throws(TorchError) in try [t[0].relu()] },
    "floor": { t throws(TorchError) in try [t[0].floor()] },
    "round": { t throws(TorchError) in try [t[0].round()] },
    "isFinite": { t throws(TorchError) in try [t[0].sqrt().isFinite()] },
    "sign": { t throws(TorchError) in try [t[0].sign()] },
    "add": { t throws(TorchError) in try [t[0] + t[1]] },
    "sub": { t throws(TorchError) in try [t[0] - t[1]] },
    "mul": { t throws(TorchError) in try [t[0] * t[1]] },
    "div": { t throws(TorchError) in try [t[0] / t[1]] },
    "add scalar": { t throws(TorchError) in try [t[0] + 1.5] },
    "sub scalar": { t throws(TorchError) in try [t[0] - 1.5] },
    "mul scalar": { t throws(TorchError) in try [t[0] * 1.5] },
    "div scalar": { t throws(TorchError) in try [t[0] / 1.5] },
    "scalar add": { t throws(TorchError) in try [1.5 + t[0]] },
    "scalar sub": { t throws(TorchError) in try [1.5 - t[0]] },
    "scalar mul": { t throws(TorchError) in try [1.5 * t[0]] },
    "scalar div": { t throws(TorchError) in try [1.5 / t[0]] },
    "integer add scalar": { t throws(TorchError) in try [t[0] + 1.5] },
    "pow": { t throws(TorchError) in try [t[0].pow(t[1])] },
    "pow scalar": { t throws(TorchError) in try [t[0].pow(2.5)] },
    "maximum": { t throws(TorchError) in try [t[0].maximum(t[1])] },
    "minimum": { t throws(TorchError) in try [t[0].minimum(t[1])] },
    "clamp": { t throws(TorchError) in try [t[0].clamp(min: -0.5, max: 0.75)] },
    "clamp below": { t throws(TorchError) in try [t[0].clamp(min: -0.5)] },
    "clamp above": { t throws(TorchError) in try [t[0].clamp(max: 0.75)] },
    "ge": { t throws(TorchError) in try [t[0].ge(t[1])] },
    "gt": { t throws(TorchError) in try [t[0].gt(t[1])] },
    "le": { t throws(TorchError) in try [t[0].le(t[1])] },
    "lt": { t throws(TorchError) in try [t[0].lt(t[1])] },
    "eq": { t throws(TorchError) in try [t[0].eq(t[0].abs())] },
    "ge scalar": { t throws(TorchError) in try [t[0].ge(0.25)] },
    "gt scalar": { t throws(TorchError) in try [t[0].gt(0.25)] },
    "le scalar": { t throws(TorchError) in try [t[0].le(0.25)] },
    "lt scalar": { t throws(TorchError) in try [t[0].lt(0.25)] },
    "eq scalar": { t throws(TorchError) in try [t[0].eq(1)] },
    "where": { t throws(TorchError) in try [Tensor.where(t[0], t[1], t[2])] },
    "matmul": { t throws(TorchError) in try [t[0].matmul(t[1])] },
    "matmul batched": { t throws(TorchError) in try [t[0].matmul(t[1])] },
    "sum": { t throws(TorchError) in try [t[0].sum()] },
    "sum dims": { t throws(TorchError) in try [t[0].sum([0, 2])] },
    "sum dims keep": { t throws(TorchError) in try [t[0].sum([-1], keep: true)] },
    "mean": { t throws(TorchError) in try [t[0].mean()] },
    "mean dims": { t throws(TorchError) in try [t[0].mean([1, 2])] },
    "variance": { t throws(TorchError) in try [t[0].variance([0, 2])] },
    "variance biased keep": { t throws(TorchError) in
        try [t[0].variance([1], unbiased: false, keep: true)]
    },
    "amax": { t throws(TorchError) in try [t[0].amax([0, 2])] },
    "amin": { t throws(TorchError) in try [t[0].amin([1], keep: true)] },
    "norm": { t throws(TorchError) in try [t[0].norm()] },
    "argmax": { t throws(TorchError) in try [t[0].argmax(dim: 1)] },
    "topk": { t throws(TorchError) in
        let (values, indices) = try t[0].topk(2, dim: 1)
        return [values, indices]
    },
    "softmax": { t throws(TorchError) in try [t[0].softmax(dim: 1)] },
    "logSoftmax": { t throws(TorchError) in try [t[0].logSoftmax(dim: -1)] },
    "reshape": { t throws(TorchError) in try [t[0].reshape([4, -1])] },
    "view": { t throws(TorchError) in try [t[0].view([6, 4])] },
    "expand": { t throws(TorchError) in try [t[0].expand([2, 3])] },
    "permute": { t throws(TorchError) in try [t[0].permute([2, 0, 1])] },
    "transpose": { t throws(TorchError) in try [t[0].transpose(0, -1)] },
    "flip": { t throws(TorchError) in try [t[0].flip([0, 2])] },
    "flatten": { t throws(TorchError) in try [t[0].flatten(from: 1)] },
    "unsqueeze": { t throws(TorchError) in try [t[0].unsqueeze(1)] },
    "squeeze": { t throws(TorchError) in try [t[0].unsqueeze(1).squeeze(1).squeeze(0)] },
    "narrow": { t throws(TorchError) in try [t[0].narrow(dim: 2, start: 1, length: 2)] },
    "select": { t throws(TorchError) in try [t[0].select(dim: 1, index: 2)] },
    "indexSelect": { t throws(TorchError) in try [t[0].indexSelect(dim: 0, t[1])] },
    "gather": { t throws(TorchError) in try [t[0].gather(dim: 1, t[1])] },
    "indexAdd": { t throws(TorchError) in try [t[0].indexAdd(dim: 0, t[1], t[2])] },
    "cat": { t throws(TorchError) in try [Tensor.cat(t, dim: 0)] },
    "stack": { t throws(TorchError) in try [Tensor.stack(t, dim: 1)] },
    "pad": { t throws(TorchError) in try [t[0].pad([1, 2, 0, 1], mode: .constant(0.5))] },
    "pad reflect": { t throws(TorchError) in try [t[0].pad([2, 1, 1, 3], mode: .reflect)] },
    "pad replicate": { t throws(TorchError) in try [t[0].pad([2, 1, 1, 3], mode: .replicate)] },
    "pad circular": { t throws(TorchError) in try [t[0].pad([2, 1, 1, 3], mode: .circular)] },
    "linear": { t throws(TorchError) in try [t[0].linear(t[1], t[2])] },
    "linear without bias": { t throws(TorchError) in try [t[0].linear(t[1])] },
    "conv2d": { t throws(TorchError) in
        try [t[0].conv2d(t[1], bias: t[2], stride: 2, padding: 1)]
    },
    "conv2d grouped": { t throws(TorchError) in
        try [t[0].conv2d(t[1], padding: 2, dilation: 2, groups: 2)]
    },
    "batchNorm training": { t throws(TorchError) in try normalised(t, training: true) },
    "batchNorm evaluation": { t throws(TorchError) in try normalised(t, training: false) },
    "avgPool2d": { t throws(TorchError) in try [t[0].avgPool2d(kernel: 2)] },
    "avgPool2d ceil": { t throws(TorchError) in
        try [t[0].avgPool2d(kernel: 2, ceilMode: true, countPadding: false)]
    },
    "avgPool2d padded": { t throws(TorchError) in
        try [
            t[0].avgPool2d(kernel: 4, stride: 2, padding: 1, ceilMode: true, countPadding: false)
        ]
    },
    "maxPool2d": { t throws(TorchError) in try [t[0].maxPool2d(kernel: 3, stride: 2, padding: 1)] },
    "maxPool2d ceil": { t throws(TorchError) in
        try [t[0].maxPool2d(kernel: 2, ceilMode: true)]
    },
    "adaptiveAvgPool2d": { t throws(TorchError) in
        try [t[0].adaptiveAvgPool2d(height: 1, width: 2)]
    },
    "prelu": { t throws(TorchError) in try [t[0].prelu(t[1])] },
    "prelu channels": { t throws(TorchError) in try [t[0].prelu(t[1])] },
    "leaky relu": { t throws(TorchError) in try [t[0].leakyReLU(slope: 0.2)] },
    "dropout": { t throws(TorchError) in try [t[0].dropout(0.25, generator: Generator(seed: 11))] },
    "crossEntropy": { t throws(TorchError) in try [t[0].crossEntropy(t[1])] },
    "crossEntropy smoothed": { t throws(TorchError) in
        try [t[0].crossEntropy(t[1], labelSmoothing: 0.1)]
    },
    "crossEntropy weighted": { t throws(TorchError) in
        try [t[0].crossEntropy(t[1], weights: t[2].detached())]
    },
    "crossEntropy weighted and smoothed": { t throws(TorchError) in
        try [t[0].crossEntropy(t[1], weights: t[2].detached(), labelSmoothing: 0.2)]
    },
    "crossEntropy probabilities": { t throws(TorchError) in try [t[0].crossEntropy(t[1])] },
    "normal": { _ throws(TorchError) in try [Generator(seed: 7).normal([4, 5], mean: 0.5, std: 2)]
    },
    "uniform": { _ throws(TorchError) in try [Generator(seed: 7).uniform([7], low: -1, high: 3)] },
    "bernoulli": { _ throws(TorchError) in
        try [Generator(seed: 7).bernoulli([9], probability: 0.3)]
    },
    "permutation": { _ throws(TorchError) in try [Generator(seed: 7).permutation(10)] },
]

/// Output, running mean and running variance; the statistics given are left alone.
private func normalised(_ t: [Tensor], training: Bool) throws(TorchError) -> [Tensor] {
    let (mean, variance) = (try t[3].clone(), try t[4].clone())
    let output = try t[0].batchNorm(
        weight: t[1], bias: t[2], runningMean: mean, runningVariance: variance,
        training: training)
    return [output, mean, variance]
}
