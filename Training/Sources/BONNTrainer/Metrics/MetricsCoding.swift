import BONNMethods

// How the rows of tables and the sums of an epoch stand in checkpoints and in the JSON of `bonn train`.
//
// A term of the loss is a field of its own beside the others, with its name in camel case
// (`kernel_loss`: `kernelLoss`); `terms` lists the names in order. Older checkpoints have no such list:
// theirs are the terms that every recipe can ask for.

/// A field that no type lists.
private struct Field: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }

    /// The field of words between underscores.
    init(_ name: String) {
        let words = name.split(separator: "_")
        stringValue =
            words.prefix(1).joined()
            + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    static let terms = Field("terms")
}

extension Losses {
    fileprivate func encode(beside encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Field.self)
        try fields.encode(names, forKey: .terms)
        for (name, value) in zip(names, values) { try fields.encode(value, forKey: Field(name)) }
    }

    fileprivate init(beside decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        let names =
            try fields.decodeIfPresent([String].self, forKey: .terms)
            ?? Objectives.terms.filter { fields.contains(Field($0)) }
        self.init(names)
        for name in names { self[name] = try fields.decode(Double.self, forKey: Field(name)) }
    }
}

extension EpochMetrics: Codable {
    private enum CodingKeys: String, CodingKey {
        case epoch, learningRate, trainLoss, trainTop1, testLoss, testTop1, testTop5
        case validationLoss, validationTop1, validationTop5, imagesPerSecond, seconds
    }

    /// Writes the fields and the terms of the loss.
    public func encode(to encoder: any Encoder) throws {
        try losses.encode(beside: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(epoch, forKey: .epoch)
        try fields.encode(learningRate, forKey: .learningRate)
        try fields.encode(trainLoss, forKey: .trainLoss)
        try fields.encode(trainTop1, forKey: .trainTop1)
        try fields.encodeIfPresent(testLoss, forKey: .testLoss)
        try fields.encodeIfPresent(testTop1, forKey: .testTop1)
        try fields.encodeIfPresent(testTop5, forKey: .testTop5)
        try fields.encodeIfPresent(validationLoss, forKey: .validationLoss)
        try fields.encodeIfPresent(validationTop1, forKey: .validationTop1)
        try fields.encodeIfPresent(validationTop5, forKey: .validationTop5)
        try fields.encode(imagesPerSecond, forKey: .imagesPerSecond)
        try fields.encode(seconds, forKey: .seconds)
    }

    /// Reads what this version or an older one wrote.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            epoch: try fields.decode(Int.self, forKey: .epoch),
            learningRate: try fields.decode(Double.self, forKey: .learningRate),
            trainLoss: try fields.decode(Double.self, forKey: .trainLoss),
            losses: try Losses(beside: decoder),
            trainTop1: try fields.decode(Double.self, forKey: .trainTop1),
            imagesPerSecond: try fields.decode(Double.self, forKey: .imagesPerSecond),
            seconds: try fields.decode(Double.self, forKey: .seconds))
        testLoss = try fields.decodeIfPresent(Double.self, forKey: .testLoss)
        testTop1 = try fields.decodeIfPresent(Double.self, forKey: .testTop1)
        testTop5 = try fields.decodeIfPresent(Double.self, forKey: .testTop5)
        validationLoss = try fields.decodeIfPresent(Double.self, forKey: .validationLoss)
        validationTop1 = try fields.decodeIfPresent(Double.self, forKey: .validationTop1)
        validationTop5 = try fields.decodeIfPresent(Double.self, forKey: .validationTop5)
    }
}

extension EpochProgress: Codable {
    private enum CodingKeys: String, CodingKey {
        case steps, learningRate, counts, seconds
    }

    /// Writes the fields and the terms of the loss.
    public func encode(to encoder: any Encoder) throws {
        try losses.encode(beside: encoder)
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(steps, forKey: .steps)
        try fields.encode(learningRate, forKey: .learningRate)
        try fields.encode(counts, forKey: .counts)
        try fields.encode(seconds, forKey: .seconds)
    }

    /// Reads what this version or an older one wrote.
    public init(from decoder: any Decoder) throws {
        losses = try Losses(beside: decoder)
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        steps = try fields.decode(Int.self, forKey: .steps)
        learningRate = try fields.decode(Double.self, forKey: .learningRate)
        counts = try fields.decode(ClassificationCounts.self, forKey: .counts)
        seconds = try fields.decode(Double.self, forKey: .seconds)
    }
}

extension LayerStatistics: Decodable {
    private enum StoredKeys: String, CodingKey {
        case epoch, layer, meanAbsolute, magnitude, own, flipRatio, nearZero
    }

    /// The fields that older rows have in the place of `own`, and what their columns are called.
    private static let olderFields = [("mu", "mu"), ("sigma", "sigma"), ("scale", "w")]

    /// Reads what this version or an older one wrote.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: StoredKeys.self)
        epoch = try fields.decode(Int.self, forKey: .epoch)
        layer = try fields.decode(String.self, forKey: .layer)
        meanAbsolute = try fields.decode(Double.self, forKey: .meanAbsolute)
        magnitude = try fields.decodeIfPresent(Double.self, forKey: .magnitude)
        flipRatio = try fields.decode(Double.self, forKey: .flipRatio)
        nearZero = try fields.decode(Double.self, forKey: .nearZero)
        let older = try decoder.container(keyedBy: Field.self)
        own =
            try fields.decodeIfPresent([Own].self, forKey: .own)
            ?? Self.olderFields.compactMap { field, name in
                try older.decodeIfPresent(Double.self, forKey: Field(field))
                    .map { Own(name: name, value: $0) }
            }
    }
}

/// A state as this version or an older one wrote it.
struct StoredState: Decodable {
    let state: TrainingState

    /// Older states have no `prepared`, but a flag for each objective that it could name: `featureLossActs`.
    init(from decoder: any Decoder) throws {
        var state = try TrainingState(from: decoder)
        if state.prepared == nil {
            let fields = try decoder.container(keyedBy: Field.self)
            let flags = try Objectives.all.compactMap { settings in
                try fields.decodeIfPresent(Bool.self, forKey: Field(settings.name + "_acts"))
                    .map { (settings.name, $0) }
            }
            if !flags.isEmpty { state.prepared = flags.filter(\.1).map(\.0) }
        }
        self.state = state
    }
}
