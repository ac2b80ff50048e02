import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

@Suite struct `Deployment arithmetic` {
    /// Numbers of every size where the sigmoid is neither 0 nor 1.
    private static let numbers: [Float] = {
        var generator = SeededGenerator(seed: 9)
        let every = (0..<40_000).map { _ in Float.random(in: -104...104, using: &generator) }
        return every + every.map { $0 / 64 } + every.map { $0 * 1e-6 }
    }()

    @Test func `a sigmoid is the true one, rounded to the nearest float or nearly so`() {
        var largest = 0.0
        for x in Self.numbers {
            // Of a negative x, without the cancellation in 1 - sigmoid(-x); accurate to some 2^-51.
            let exact = x >= 0 ? 1 / (1 + exp(-Double(x))) : exp(Double(x)) / (1 + exp(Double(x)))
            let error = abs(Double(DeploymentArithmetic.sigmoid(x)) - exact)
            largest = max(largest, error / Double(Float(exact).ulp))
        }
        print("sigmoid: \(Self.numbers.count) numbers, largest error \(largest) ulp")
        #expect(largest <= 0.5001)
    }

    @Test func `a sigmoid is what the format page says, step by step`() {
        for x in Self.numbers {
            #expect(DeploymentArithmetic.sigmoid(x) == Reference.sigmoid(x), "\(x)")
        }
    }

    @Test func `sigmoids never fall, and are 0 and 1 far away`() {
        let sorted = Self.numbers.sorted()
        let sigmoids = sorted.map(DeploymentArithmetic.sigmoid)
        #expect(sigmoids == sigmoids.sorted())
        #expect(DeploymentArithmetic.sigmoid(-.infinity) == 0)
        #expect(DeploymentArithmetic.sigmoid(-150) == 0)
        #expect(DeploymentArithmetic.sigmoid(17.4) == 1)
        #expect(DeploymentArithmetic.sigmoid(.infinity) == 1)
        #expect(DeploymentArithmetic.sigmoid(0) == 0.5)
        #expect(DeploymentArithmetic.sigmoid(.nan).isNaN)
    }
}
