import BONNConfiguration

/// How much the images of each class count in the cross-entropy.
public enum ClassWeights: Sendable, Equatable {
    /// All the same.
    case none
    /// Class k counts N / (K n_k), of N training images in K classes, n_k of them in class k: what
    /// scikit-learn calls balanced. The weights of all training images add up to N.
    case balanced
    /// A weight for each class, in the order of the classes.
    case given([Double])

    /// What weights may be.
    public static let range = 1e-6...1e6
    /// The most classes that weights can be given for.
    public static let mostClasses = 10_000

    /// The weights of classes with these numbers of training images; nil: all the same.
    ///
    /// - Precondition: as `balanced`, no class is empty; given weights are as many as there are classes.
    public func values(forCounts counts: @autoclosure () -> [Int]) -> [Double]? {
        switch self {
        case .none: return nil
        case .balanced:
            let counts = counts()
            let images = Double(counts.reduce(0, +))
            return counts.map { images / (Double(counts.count) * Double($0)) }
        case .given(let weights): return weights
        }
    }
}

extension Key {
    /// `none`, `balanced` or a list.
    static func classWeights(
        _ path: String, _ storage: Storage<ClassWeights>, _ summary: String
    ) -> Key {
        let range = ClassWeights.range
        return Key(
            path, storage, summary,
            expected:
                "none, balanced, or a list of at most \(ClassWeights.mostClasses) numbers from "
                + "\(range.lowerBound) to \(range.upperBound)",
            write: { weights in
                switch weights {
                case .none: .scalar("none")
                case .balanced: .scalar("balanced")
                case .given(let numbers): .list(numbers.map { "\($0)" })
                }
            },
            read: { value in
                if value == .scalar("none") { return ClassWeights.none }
                if value == .scalar("balanced") { return .balanced }
                guard let items = value.items, (1...ClassWeights.mostClasses).contains(items.count)
                else { return nil }
                let numbers = items.compactMap(Double.init).filter(range.contains)
                return numbers.count == items.count ? .given(numbers) : nil
            })
    }
}
