/// A part of what a recipe describes in which keys have other values than in the whole.
///
/// In a recipe, `stages:` is a list of them, each with an optional `name` and lines of `section.key: value`.
public struct RecipeStage: Sendable, Equatable {
    /// A key and its value in the stage.
    public struct Setting: Sendable, Equatable {
        /// `section.key`.
        public let path: String
        /// The value.
        public let value: ConfigurationValue

        /// Creates a setting.
        public init(_ path: String, _ value: ConfigurationValue) {
            self.path = path
            self.value = value
        }
    }

    /// The most stages that a recipe may have.
    public static let most = 100

    /// What a person calls it; may be empty.
    public var name: String
    /// What differs, a later setting over an earlier one.
    public var settings: [Setting]

    /// Creates a stage.
    public init(name: String = "", settings: [Setting] = []) {
        self.name = name
        self.settings = settings
    }
}

extension Configurable {
    /// What differs in the stages, in their order; empty where there is one part only, the whole.
    public var stages: [RecipeStage] { Self.stageStorage.map { self[keyPath: $0] } ?? [] }

    /// The value as it is in a stage: with its settings, and without stages of its own.
    ///
    /// - Parameter index: of `stages`, counted from 0.
    /// - Throws: An error for a setting that fits the whole no more: it was changed after the stages were
    ///   read.
    public func stage(_ index: Int) throws(ConfigurationError) -> Self {
        let stage = stages[index]
        let source = stage.title(index)
        var reader = RecipeReader(self, isStage: true)
        try reader.apply(
            stage.settings.map {
                RecipeAssignment(
                    path: $0.path, value: $0.value, source: source, place: source + ": ")
            })
        var value = reader.root
        if let storage = Self.stageStorage { value[keyPath: storage] = [] }
        return value
    }
}

extension RecipeStage {
    /// Whether it sets a key.
    func sets(_ path: String) -> Bool { settings.contains { $0.path == path } }

    /// What messages call it.
    func title(_ index: Int) -> String {
        "stage \(index + 1)" + (name.isEmpty ? "" : " (\(RecipeText.quoted(name)))")
    }

    /// The lines of a recipe.
    var lines: [String] {
        var lines = settings.map { "\($0.path): \(RecipeScalar.written($0.value))" }
        if !name.isEmpty { lines.insert("name: \(RecipeScalar.written(name))", at: 0) }
        guard !lines.isEmpty else { return ["  - {}"] }
        return zip(["  - "] + Array(repeating: "    ", count: lines.count - 1), lines).map(+)
    }
}
