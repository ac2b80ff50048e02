import BONNMethods
import Testing
import Torch

/// The fused operations of a block against finite differences and against plain compositions.
@Suite struct BlockOperationTests {
    /// The shapes that the fused operations know, over windows.
    static let slopes = [
        SignSlope.polynomial, .clip, SignSlope(.polynomial, window: 0.5),
        SignSlope(.polynomial, window: 1.5),
        SignSlope(.clip, window: 0.75), SignSlope(.clip, window: 3),
    ]

    /// F of Bi-Real Net, whose slope is the polynomial estimator, or hardtanh; stretched to a window.
    static func surrogate(_ z: Double, _ slope: SignSlope) -> Double {
        let inside = min(1, max(-1, z / slope.window))
        let value = slope.shape == .clip ? inside : 2 * inside - inside * abs(inside)
        return slope.window < 1 ? value : value * slope.window
    }

    @Test(arguments: Self.slopes)
    func `batch norm and sign have the gradient of the slope`(
        slope: SignSlope
    ) throws {
        let (batch, channels, side) = (2, 3, 3)
        let count = batch * channels * side * side
        let x = try gaussian(count, seed: 21, deviation: 1.5)
        let gamma = [0.9, -0.4, 1.3]
        let beta = [0.1, -0.3, 0.2]
        let g = try gaussian(count, seed: 22)
        let shape = [batch, channels, side, side]
        let input = try leaf(x, shape)
        let weight = try leaf(gamma, [channels])
        let bias = try leaf(beta, [channels])
        let y = try Fused.batchNormSign(
            input, weight: weight, bias: bias,
            runningMean: double([0, 0, 0], [3]), runningVariance: double([1, 1, 1], [3]),
            training: true, momentum: 0.1, epsilon: 1e-5,
            estimator: slope.shape == .clip ? 1 : 0, window: slope.window)
        try (y * double(g, shape)).sum().backward()

        func plain(_ x: [Double], _ gamma: [Double], _ beta: [Double]) -> (Double, [Double]) {
            let plane = side * side
            var total = 0.0
            var signs = [Double](repeating: 0, count: count)
            for c in 0..<channels {
                let indices = (0..<count).filter { $0 / plane % channels == c }
                let mean = indices.reduce(0) { $0 + x[$1] } / Double(indices.count)
                let variance =
                    indices.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) }
                    / Double(indices.count)
                for i in indices {
                    let z = gamma[c] * (x[i] - mean) / (variance + 1e-5).squareRoot() + beta[c]
                    total += g[i] * Self.surrogate(z, slope)
                    signs[i] = z >= 0 ? 1 : -1
                }
            }
            return (total, signs)
        }
        #expect(try y.doubles() == plain(x, gamma, beta).1)
        expectClose(
            try #require(input.grad).doubles(),
            finiteDifferences(at: x, step: 1e-6) { plain($0, gamma, beta).0 }, 1e-5, "dx")
        expectClose(
            try #require(weight.grad).doubles(),
            finiteDifferences(at: gamma, step: 1e-6) { plain(x, $0, beta).0 }, 1e-5, "dgamma")
        expectClose(
            try #require(bias.grad).doubles(),
            finiteDifferences(at: beta, step: 1e-6) { plain(x, gamma, $0).0 }, 1e-5, "dbeta")
    }

    @Test(arguments: [false, true], [false, true])
    func
        `PReLU of a value or of a sum, with shifts or without, has the gradient of finite differences`(
            adds: Bool, shifts: Bool
        ) throws
    {
        let shape = [2, 3, 2, 2]
        let a = try gaussian(24, seed: 31)
        let b = try gaussian(24, seed: 32)
        let g = try gaussian(24, seed: 33)
        let slope = [0.25, -0.5, 1.5]
        let before = [0.3, -0.2, 0.1]
        let behind = [-1.0, 0.5, 2]
        let left = try leaf(a, shape)
        let right = try leaf(b, shape)
        let slopes = try leaf(slope, [3])
        let shift = try leaf(before, [3])
        let after = try leaf(behind, [3])
        let y = try Fused.prelu(
            left, plus: adds ? right : nil, shift: shifts ? shift : nil, weight: slopes,
            after: shifts ? after : nil)
        try (y * double(g, shape)).sum().backward()
        func plain(
            _ a: [Double], _ b: [Double], _ slope: [Double], _ shift: [Double], _ after: [Double]
        ) -> Double {
            a.indices.reduce(0) { total, i in
                let c = i / 4 % 3
                let s = (adds ? a[i] + b[i] : a[i]) + (shifts ? shift[c] : 0)
                return total + g[i] * ((s >= 0 ? s : slope[c] * s) + (shifts ? after[c] : 0))
            }
        }
        expectClose(
            try #require(left.grad).doubles(),
            finiteDifferences(at: a) { plain($0, b, slope, before, behind) }, 1e-6, "da")
        if adds {
            expectClose(
                try #require(right.grad).doubles(),
                finiteDifferences(at: b) { plain(a, $0, slope, before, behind) }, 1e-6, "db")
        }
        expectClose(
            try #require(slopes.grad).doubles(),
            finiteDifferences(at: slope) { plain(a, b, $0, before, behind) }, 1e-6, "dslope")
        if shifts {
            expectClose(
                try #require(shift.grad).doubles(),
                finiteDifferences(at: before) { plain(a, b, slope, $0, behind) }, 1e-6, "dshift")
            expectClose(
                try #require(after.grad).doubles(),
                finiteDifferences(at: behind) { plain(a, b, slope, before, $0) }, 1e-6, "dafter")
        }
    }

    /// float64 takes the composed path, float32 the fast one: both must agree, for channel numbers
    /// below, at and above a vector, and for row numbers that do not fill the last chunk.
    @Test(arguments: [1, 3, 15, 16, 17, 32, 48], Self.slopes)
    func `the fast path computes what the composed path computes`(
        channels: Int, slope: SignSlope
    ) throws {
        let shape = [3, channels, 37, 29]
        let count = shape.reduce(1, *)
        let seed = UInt64(100 + channels)
        let x = try gaussian(count, seed: seed, deviation: 2).map { $0 + 1.5 }
        let b = try gaussian(count, seed: seed + 1)
        let g = try gaussian(count, seed: seed + 2)
        let gamma = try gaussian(channels, seed: seed + 3)
        let beta = try gaussian(channels, seed: seed + 4)

        func run(_ dtype: DType) throws -> [String: [Double]] {
            func cast(_ values: [Double], _ shape: [Int]) throws -> Tensor {
                try double(values, shape).to(dtype).contiguous(channelsLast: shape.count == 4)
                    .detached().requiresGradient(true)
            }
            let input = try cast(x, shape)
            let other = try cast(b, shape)
            let weight = try cast(gamma, [channels])
            let bias = try cast(beta, [channels])
            let mean = try Tensor.zeros([channels], dtype: dtype)
            let variance = try Tensor.ones([channels], dtype: dtype)
            let signs = try Fused.batchNormSign(
                input, weight: weight, bias: bias, runningMean: mean, runningVariance: variance,
                training: true, momentum: 0.1, epsilon: 1e-5,
                estimator: slope.shape == .clip ? 1 : 0, window: slope.window)
            let y = try Fused.prelu(signs, plus: other, weight: bias)
            // Positive slopes alone, by which backward divides.
            let alone = try Fused.prelu(y, weight: weight.abs() + 0.1)
            let shifted = try Fused.prelu(
                alone, plus: signs, shift: weight, weight: bias, after: weight)
            let bits = try Fused.slopedSign(
                other, shift: bias, estimator: slope.shape == .clip ? 1 : 0, window: slope.window)
            try ((shifted + bits) * double(g, shape).to(dtype)).sum().backward()
            var values = ["mean": mean, "variance": variance, "y": y, "shifted": shifted]
            values["dx"] = input.grad
            values["db"] = other.grad
            values["dgamma"] = weight.grad
            values["dbeta"] = bias.grad
            return try values.mapValues { try $0.detached().to(.float64).doubles() }
        }
        let fast = try run(.float32)
        let composed = try run(.float64)
        #expect(Set(fast.keys) == Set(composed.keys))
        for (name, expected) in composed {
            let found = try #require(fast[name])
            // A value next to a kink (sign, estimator, PReLU) may round to its other side.
            let wrong = zip(found, expected).count { abs($0 - $1) > 2e-3 * max(1, abs($1)) }
            #expect(
                wrong <= max(expected.count / 20_000, 0) + (expected.count > 1000 ? 1 : 0),
                "\(name), \(channels) channels, seed \(seed): \(wrong) of \(expected.count) differ")
        }
    }
}
