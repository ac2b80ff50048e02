import Testing
import Torch

/// The gradient of `function` at `point` by central differences: the oracle of every formula.
func finiteDifferences(
    at point: [Double], step: Double = 1e-5, _ function: ([Double]) throws -> Double
) rethrows -> [Double] {
    var gradient = [Double](repeating: 0, count: point.count)
    var moved = point
    for index in point.indices {
        moved[index] = point[index] + step
        let above = try function(moved)
        moved[index] = point[index] - step
        let below = try function(moved)
        moved[index] = point[index]
        gradient[index] = (above - below) / (2 * step)
    }
    return gradient
}

/// A float64 leaf with a gradient.
func leaf(_ values: [Double], _ shape: [Int]) throws -> Tensor {
    try double(values, shape).requiresGradient(true)
}

/// A float64 tensor.
func double(_ values: [Double], _ shape: [Int]) throws -> Tensor {
    try Tensor(doubles: values, shape: shape)
}

/// Seeded Gaussian numbers.
func gaussian(_ count: Int, seed: UInt64, deviation: Double = 1) throws -> [Double] {
    try Generator(seed: seed, device: .cpu).normal([count], std: deviation, dtype: .float64)
        .doubles()
}

/// Expects every element within `tolerance` of the larger of 1 and the expected magnitude.
func expectClose(
    _ found: [Double], _ expected: [Double], _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found.count == expected.count else {
        Issue.record(
            "\(what): \(found.count) values, expected \(expected.count)",
            sourceLocation: sourceLocation)
        return
    }
    for (index, (a, b)) in zip(found, expected).enumerated() {
        if !(abs(a - b) <= tolerance * max(1, abs(b))) {
            Issue.record(
                "\(what)[\(index)]: \(a), expected \(b)", sourceLocation: sourceLocation)
            return
        }
    }
}
