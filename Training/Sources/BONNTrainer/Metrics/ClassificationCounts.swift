/// Counts of right and wrong answers.
///
/// The rank of the true class is the number of classes with a larger logit, or an equal one and a
/// smaller index, which is the order of `topK` in the runtime. A NaN is never right.
public struct ClassificationCounts: Sendable, Equatable, Codable {
    /// Images counted.
    public private(set) var images = 0
    /// Images whose true class has the largest logit.
    public private(set) var top1 = 0
    /// Images whose true class is among the five largest logits.
    public private(set) var top5 = 0

    /// Nothing counted yet.
    public init() {}

    /// Adds a batch.
    ///
    /// - Parameters:
    ///   - logits: `[N, K]`, row-major.
    ///   - labels: `[N]`, each in `0..<K`.
    /// - Returns: the predicted class of each image.
    @discardableResult
    public mutating func add(logits: [Float], labels: [Int64]) -> [Int] {
        guard !labels.isEmpty else { return [] }
        let classes = logits.count / labels.count
        var predictions: [Int] = []
        predictions.reserveCapacity(labels.count)
        for (row, label) in labels.enumerated() {
            let start = row * classes
            let label = Int(label)
            let target = logits[start + label]
            var rank = target.isNaN ? classes : 0
            var best = 0
            for candidate in 0..<classes {
                let value = logits[start + candidate]
                if value > target || (value == target && candidate < label) { rank += 1 }
                if value > logits[start + best] { best = candidate }
            }
            images += 1
            if rank < 1 { top1 += 1 }
            if rank < 5 { top5 += 1 }
            predictions.append(best)
        }
        return predictions
    }

    /// Share of images whose true class is first, 0...1; 0 without images.
    public var top1Share: Double { images == 0 ? 0 : Double(top1) / Double(images) }
    /// Share of images whose true class is among the first five, 0...1; 0 without images.
    public var top5Share: Double { images == 0 ? 0 : Double(top5) / Double(images) }
}

/// How often each true class was taken for each class.
public struct ConfusionMatrix: Sendable, Equatable {
    /// K.
    public let classes: Int
    /// `[K, K]`, row-major; a row is a true class, a column a prediction.
    public private(set) var counts: [Int]

    /// An empty matrix.
    public init(classes: Int) {
        self.classes = classes
        counts = [Int](repeating: 0, count: classes * classes)
    }

    /// Counts one image.
    public mutating func add(label: Int, prediction: Int) {
        counts[label * classes + prediction] += 1
    }

    /// How often a true class was taken for another one.
    public subscript(label: Int, prediction: Int) -> Int { counts[label * classes + prediction] }

    /// The rows.
    public var rows: [[Int]] {
        (0..<classes).map { Array(counts[$0 * classes..<($0 + 1) * classes]) }
    }
}
