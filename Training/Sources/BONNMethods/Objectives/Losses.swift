/// The terms of a loss by name, weighted so that their sum is what is minimized.
public struct Losses: Sendable, Equatable {
    /// The names, in order.
    public let names: [String]
    /// The value of each.
    public private(set) var values: [Double]

    /// Terms that are 0.
    public init(_ names: [String]) {
        self.names = names
        values = [Double](repeating: 0, count: names.count)
    }

    /// The sum.
    public var total: Double { values.reduce(0, +) }

    /// The term of a name; nil where there is none.
    ///
    /// - Precondition: only terms that are there are set.
    public subscript(name: String) -> Double? {
        get { names.firstIndex(of: name).map { values[$0] } }
        set {
            guard let index = names.firstIndex(of: name), let newValue else {
                preconditionFailure("\(name) is none of the terms \(names)")
            }
            values[index] = newValue
        }
    }

    /// Adds `weight` times the terms of the same names.
    public mutating func add(_ other: Losses, weight: Double) {
        precondition(names == other.names, "terms \(other.names) are added to \(names)")
        for index in values.indices { values[index] += other.values[index] * weight }
    }

    /// Each term over a number.
    public static func / (losses: Losses, divisor: Double) -> Losses {
        var result = losses
        for index in result.values.indices { result.values[index] /= divisor }
        return result
    }

    /// The same terms in another order, with 0 for those that are not here.
    public func named(_ names: [String]) -> Losses {
        var result = Losses(names)
        for name in names { result[name] = self[name] ?? 0 }
        return result
    }
}
