/// What some runs have in common, and how far they differ.
public struct Spread: Sendable, Equatable, Codable {
    /// The mean.
    public let mean: Double
    /// The standard deviation of a sample, with n - 1 below; nil for one number, which has none.
    public let deviation: Double?
    /// How many numbers.
    public let count: Int

    /// The spread of numbers; nil where there is none.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        count = values.count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation =
            values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
    }
}

extension [Double] {
    /// The middle one, or the mean of the two in the middle; nil where there is none.
    var median: Double? {
        guard !isEmpty else { return nil }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
