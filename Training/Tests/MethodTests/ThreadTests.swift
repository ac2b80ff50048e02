import Testing
import Torch

@testable import BONNMethods

/// The loops of the fused operations on LibTorch's threads.
@Suite(.serialized) struct ThreadTests {
    /// Runs a body with a number of threads, which holds for this thread until it ends.
    private func withThreads<R>(_ count: Int, _ body: () throws -> R) throws -> R {
        let before = threads
        try setThreads(count)
        defer { try? setThreads(before) }
        return try body()
    }

    #if os(Linux)
        @Test(arguments: [1, 2, 3])
        func `a loop is shared by as many threads as are set`(count: Int) throws {
            #expect(try withThreads(count) { loopThreads } == count)
        }
    #endif

    /// Values and gradients of all that loops over rows, images or elements: more than one chunk, the last not full.
    private func run() throws -> [String: [UInt8]] {
        let (channels, shape) = (17, [5, 17, 41, 29])
        let generator = try Generator(seed: 31)
        func leaf(_ shape: [Int], bits: Bool = false) throws -> Tensor {
            let values = try generator.normal(shape)
            return try (bits ? signOrPlusOne(values) : values)
                .contiguous(channelsLast: shape.count == 4).detached().requiresGradient(true)
        }
        let (x, other) = (try leaf(shape), try leaf(shape))
        let (weight, bias) = (try leaf([channels]), try leaf([channels]))
        let kernel = try leaf([9, channels, 3, 3], bits: true)
        let (mean, variance) = (try Tensor.zeros([channels]), try Tensor.ones([channels]))
        let signs = try Fused.batchNormSign(
            x, weight: weight, bias: bias, runningMean: mean, runningVariance: variance,
            training: true, momentum: 0.1, epsilon: 1e-5, estimator: 0, window: 1)
        // Not its gradient, which is LibTorch's.
        let sums = try Fused.quantizedConv2d(
            signs.detached(), kernel.detached(), padding: 1)
        let sum = try Fused.prelu(signs, plus: other, shift: bias, weight: weight, after: bias)
        let bits = try Fused.slopedSign(sum, shift: weight, estimator: 1, window: 1.5)
        let shifts = try Fused.shiftedSigns(
            other, shifts: Tensor([-0.5, 0, 0.5], shape: [3]).requiresGradient(true),
            weights: Tensor([0.5, 1, 0.25], shape: [3]).requiresGradient(true))
        let plain = try Fused.slopedSign(other, estimator: 0, window: 0.5).clamp(min: -0.5, max: 2)
        let g = try generator.normal(shape)
        let total = try ((bits + shifts + plain) * g).sum()
        try total.backward()
        let values = [
            "mean": mean, "variance": variance, "sums": sums, "sum": sum, "shifts": shifts,
            "dx": try #require(x.grad), "dother": try #require(other.grad),
            "dweight": try #require(weight.grad), "dbias": try #require(bias.grad),
        ]
        return try values.mapValues { try $0.detached().contiguous().bytes() }
    }

    @Test func `fused operations give the same bits with any number of threads`() throws {
        let one = try withThreads(1) { try run() }
        for count in [2, 3, 5] {
            let found = try withThreads(count) { try run() }
            for (name, bytes) in one { #expect(found[name] == bytes, "\(name), \(count) threads") }
        }
    }
}
