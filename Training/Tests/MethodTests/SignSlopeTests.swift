import Foundation
import Testing
import Torch

@testable import BONNMethods

/// How gradients pass a sign, over windows that narrow.
@Suite struct SignSlopeTests {
    private static let values = [-3.5, -1.0, -0.6, -0.1, 0.0, 0.25, 0.4, 1.5, 4.0]

    /// The gradient at `values` in an epoch of ten.
    private func gradient(_ slope: SignSlope, epoch: Int, isFusing: Bool) throws -> [Double] {
        let x = try leaf(Self.values, [Self.values.count])
        let pass = Pass(
            .training, progress: RunProgress(epoch: epoch, epochs: 10), isFusing: isFusing)
        let y = try SignQuantizer(slope)(x, pass)
        #expect(try y.doubles() == Self.values.map { $0 >= 0 ? 1 : -1 })
        try y.sum().backward()
        return try #require(x.grad).doubles()
    }

    @Test(arguments: [Slope.polynomial, .clip, .identity, .swish, .tanh], [0.3, 1, 2.5])
    func `a window below 1 keeps the area of a shape, one above its peak`(
        shape: Slope, window: Double
    ) throws {
        let slope = SignSlope(shape, window: window)
        let height = window < 1 ? 1 / window : 1
        for isFusing in [false, true] {
            let found = try gradient(slope, epoch: 4, isFusing: isFusing)
            for (value, number) in zip(Self.values, found) {
                let z = value / window
                let y = 5 * z
                let expected =
                    switch shape {
                    case .polynomial: max(0, 2 - 2 * abs(z))
                    case .clip: abs(z) <= 1 ? 1.0 : 0
                    case .identity: 1.0
                    case .swish: 5 * (2 - y * tanh(y / 2)) / (1 + cosh(y))
                    case .tanh: 1 - tanh(z) * tanh(z)
                    }
                #expect(abs(number - height * expected) < 1e-6, "at \(value)")
            }
        }
    }

    @Test(arguments: [false, true])
    func `a window narrows by the same factor from epoch to epoch`(isFusing: Bool) throws {
        let slope = SignSlope(.clip, window: 4, finalWindow: 0.25)
        for epoch in [0, 3, 5, 9] {
            let window = 4 * pow(1 / 16, Double(epoch) / 10)
            let expected = try gradient(
                SignSlope(.clip, window: window), epoch: epoch, isFusing: isFusing)
            let found = try gradient(slope, epoch: epoch, isFusing: isFusing)
            #expect(
                zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "epoch \(epoch)")
        }
    }

    /// k t (1 - tanh^2(t x)), k = max(1/t, 1), t from 0.01 to 10: 0.01 sqrt(1000) in the middle.
    @Test func `the error decay estimator of IR-Net is a tanh over a window`() throws {
        for (epoch, t) in [(0, 0.01), (5, 0.01 * 1000.squareRoot())] {
            let found = try gradient(.errorDecay(from: 0.01), epoch: epoch, isFusing: true)
            for (value, number) in zip(Self.values, found) {
                let expected = max(1 / t, 1) * t * (1 - pow(tanh(t * value), 2))
                #expect(abs(number - expected) < 1e-9, "at \(value)")
            }
        }
    }
}
