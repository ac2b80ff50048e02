import BONNConfiguration
import BONNTrainer

/// How long every run of a comparison trains.
public enum Budget: Sendable, Equatable, Codable {
    /// Passes over the training images, of all stages of a recipe together.
    case epochs(Int)
    /// Minutes of wall clock a run, in which whole epochs are trained.
    case minutes(Double)

    private enum CodingKeys: String, CodingKey { case epochs, minutes }

    /// An object of one member, `epochs` or `minutes`.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .epochs(let count): try fields.encode(count, forKey: .epochs)
        case .minutes(let count): try fields.encode(count, forKey: .minutes)
        }
    }

    /// Reads what `encode` wrote.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        if let epochs = try fields.decodeIfPresent(Int.self, forKey: .epochs) {
            self = .epochs(epochs)
        } else {
            self = .minutes(try fields.decode(Double.self, forKey: .minutes))
        }
    }

    /// As a heading says it.
    public var text: String {
        switch self {
        case .epochs(let count): count == 1 ? "1 epoch" : "\(count) epochs"
        case .minutes(let count): "\(shortest(count)) minutes of wall clock a run"
        }
    }
}

/// A number without a decimal that says nothing.
func shortest(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
}

extension TrainingConfiguration {
    /// Epochs of all stages.
    func totalEpochs() throws(TrainingError) -> Int {
        try runStages().reduce(0) { $0 + $1.epochs }
    }

    /// The configuration of a run of some epochs.
    ///
    /// Without stages, as `bonn train --epochs`. Stages whose epochs add up to the number stay as they are; others
    /// get their share of it, one epoch at least, the largest remainders rounded up.
    ///
    /// - Throws: `.configuration` where there are fewer epochs than stages.
    func training(epochs: Int) throws(TrainingError) -> TrainingConfiguration {
        var result = self
        result.schedule.epochs = epochs
        guard !stages.isEmpty, try result.totalEpochs() != epochs else { return result }
        let path = result.path(of: \.schedule.epochs)
        guard epochs >= stages.count else {
            throw TrainingError(
                .configuration,
                "\(path): expected at least \(stages.count) epochs, one a stage, found \(epochs)")
        }
        let shares = Self.shares(of: epochs, as: try runStages().map(\.epochs))
        for (index, share) in shares.enumerated() {
            result.stages[index].settings.removeAll { $0.path == path }
            result.stages[index].settings.append(
                RecipeStage.Setting(path, .scalar("\(share)")))
        }
        return result
    }

    /// A number of epochs, at least as many as there are parts, divided as given parts are to each other.
    static func shares(of epochs: Int, as parts: [Int]) -> [Int] {
        let total = Double(parts.reduce(0, +))
        let exact = parts.map { Double($0) / total * Double(epochs) }
        var shares = exact.map { max(1, Int($0)) }
        // The parts of one epoch may ask for more than there is: the largest others give it back.
        while shares.reduce(0, +) > epochs {
            guard let largest = shares.indices.max(by: { shares[$0] < shares[$1] }) else { break }
            shares[largest] -= 1
        }
        let order = shares.indices.sorted {
            exact[$0] - Double(shares[$0]) > exact[$1] - Double(shares[$1])
        }
        for index in 0..<(epochs - shares.reduce(0, +)) { shares[order[index % order.count]] += 1 }
        return shares
    }
}
