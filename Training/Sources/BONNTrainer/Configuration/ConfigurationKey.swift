import BONNMethods
import BONNNetworks

/// One key of a recipe: where it is stored, what it accepts, what it means.
///
/// The list of all keys (`all`) is the only place that knows them; reading, writing, overriding,
/// checking and documenting a recipe all follow from it.
public struct ConfigurationKey: Sendable {
    typealias Storage<Value> = any WritableKeyPath<TrainingConfiguration, Value> & Sendable
    typealias AnyStorage = any PartialKeyPath<TrainingConfiguration> & Sendable

    /// `section.name`, as in a recipe and after `--set`.
    public let path: String
    /// One line of documentation.
    public let summary: String
    /// What a value must be, for documentation and errors.
    public let expected: String
    /// The values of a choice; empty for every other type.
    public let choices: [String]
    /// Whether the key keeps its value when a run is resumed. The others say where and how fast a
    /// run is computed, and not what, or how long it goes on.
    public let isFixedForRun: Bool

    /// What of a configuration the key is about.
    let storage: AnyStorage
    let get: @Sendable (TrainingConfiguration) -> ConfigurationValue
    /// False when the value does not fit; the configuration is then unchanged.
    let set: @Sendable (inout TrainingConfiguration, ConfigurationValue) -> Bool

    /// The path of the key of some part of a configuration: messages name keys by it, so that none
    /// can name one that does not exist.
    ///
    /// - Precondition: the part has a key; a test holds that every part has.
    public static func path(of storage: PartialKeyPath<TrainingConfiguration>) -> String {
        guard let key = all.first(where: { $0.storage == storage }) else {
            preconditionFailure("no key for \(storage)")
        }
        return key.path
    }

    /// The value as it would be written in YAML.
    public func text(in configuration: TrainingConfiguration) -> String {
        get(configuration).description
    }

    /// The same key, marked as one that may change when a run is resumed.
    func changeable() -> ConfigurationKey {
        ConfigurationKey(
            path: path, summary: summary, expected: expected, choices: choices,
            isFixedForRun: false, storage: storage, get: get, set: set)
    }

    init<Value>(
        _ path: String, _ storage: Storage<Value>, _ summary: String, expected: String,
        choices: [String] = [], write: @escaping @Sendable (Value) -> ConfigurationValue,
        read: @escaping @Sendable (ConfigurationValue) -> Value?
    ) {
        self.init(
            path: path, summary: summary, expected: expected, choices: choices, isFixedForRun: true,
            storage: storage, get: { write($0[keyPath: storage]) },
            set: { configuration, value in
                guard let value = read(value) else { return false }
                configuration[keyPath: storage] = value
                return true
            })
    }

    private init(
        path: String, summary: String, expected: String, choices: [String], isFixedForRun: Bool,
        storage: AnyStorage, get: @escaping @Sendable (TrainingConfiguration) -> ConfigurationValue,
        set: @escaping @Sendable (inout TrainingConfiguration, ConfigurationValue) -> Bool
    ) {
        self.path = path
        self.summary = summary
        self.expected = expected
        self.choices = choices
        self.isFixedForRun = isFixedForRun
        self.storage = storage
        self.get = get
        self.set = set
    }

    static func integer(
        _ path: String, _ storage: Storage<Int>, in range: ClosedRange<Int>, _ summary: String
    ) -> ConfigurationKey {
        let expected =
            range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return ConfigurationKey(
            path, storage, summary, expected: expected, write: { .scalar("\($0)") },
            read: { value in value.integer.flatMap { range.contains($0) ? $0 : nil } })
    }

    static func number(
        _ path: String, _ storage: Storage<Double>, in range: ClosedRange<Double>, _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: expectation(range), write: { .scalar("\($0)") },
            read: { value in value.number.flatMap { range.contains($0) ? $0 : nil } })
    }

    static func optionalNumber(
        _ path: String, _ storage: Storage<Double?>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: expectation(range) + ", or null",
            write: { $0.map { .scalar("\($0)") } ?? .null },
            read: { value in
                if value == .null || value == .scalar("null") { return .some(nil) }
                return value.number.flatMap { range.contains($0) ? .some($0) : nil }
            })
    }

    static func flag(
        _ path: String, _ storage: Storage<Bool>, _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: "true or false", write: { .scalar("\($0)") },
            read: { $0.flag })
    }

    static func text(
        _ path: String, _ storage: Storage<String>, _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: RecipeScalar.expectation, write: { .scalar($0) },
            read: { value in
                guard case .scalar(let text) = value, RecipeScalar.holds(text) else { return nil }
                return text
            })
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ path: String, _ storage: Storage<Value>, _ summary: String
    ) -> ConfigurationKey {
        let choices = Value.allCases.map(\.rawValue)
        return ConfigurationKey(
            path, storage, summary, expected: "one of " + choices.joined(separator: ", "),
            choices: choices, write: { .scalar($0.rawValue) },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return Value.allCases.first { plain($0.rawValue) == plain(text) }
            })
    }

    /// One of a list of names.
    static func name(
        _ path: String, _ storage: Storage<String>, of names: [String], _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: "one of " + names.joined(separator: ", "),
            choices: names, write: { .scalar($0) },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return names.first { plain($0) == plain(text) }
            })
    }

    static func size(
        _ path: String, _ storage: Storage<ImageSize>, _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: ImageSize.expectation,
            write: { .scalar("\($0)") },
            read: { value in
                guard case .scalar(let text) = value else { return nil }
                return ImageSize(text)
            })
    }

    /// The network's name. A change of network brings its own widths and stem; who sets several
    /// keys sets this one first.
    static func architecture(_ path: String, _ summary: String) -> ConfigurationKey {
        let name = name(path, \.model.network, of: Networks.all.map(\.name), summary)
        return ConfigurationKey(
            path: path, summary: summary, expected: name.expected, choices: name.choices,
            isFixedForRun: true, storage: name.storage, get: name.get,
            set: { configuration, value in
                let before = configuration.model.network
                guard name.set(&configuration, value) else { return false }
                let after = configuration.model.network
                if before != after, let network = Networks.named(after) {
                    configuration.model.widths = network.widths
                    configuration.model.stem = network.stem ?? .cifar
                }
                return true
            })
    }

    static func integers(
        _ path: String, _ storage: Storage<[Int]>, in range: ClosedRange<Int>, _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary,
            expected: "a list of whole numbers of at least \(range.lowerBound)",
            write: { .list($0.map { "\($0)" }) },
            read: { value in
                guard let items = value.items else { return nil }
                let numbers = items.compactMap(Int.init).filter(range.contains)
                return numbers.count == items.count ? numbers : nil
            })
    }

    static func numbers(
        _ path: String, _ storage: Storage<[Double]>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> ConfigurationKey {
        ConfigurationKey(
            path, storage, summary, expected: "a list, each " + expectation(range),
            write: { .list($0.map { "\($0)" }) },
            read: { value in
                guard let items = value.items else { return nil }
                let numbers = items.compactMap(Double.init).filter(range.contains)
                return numbers.count == items.count ? numbers : nil
            })
    }

    /// Without hyphens, underscores and capitals, so that `per_convolution` is `perConvolution`.
    private static func plain(_ text: String) -> String {
        text.lowercased().filter { $0 != "_" && $0 != "-" }
    }

    private static func expectation(_ range: ClosedRange<Double>) -> String {
        range.upperBound == .greatestFiniteMagnitude
            ? "a number of at least \(range.lowerBound)"
            : "a number from \(range.lowerBound) to \(range.upperBound)"
    }
}
