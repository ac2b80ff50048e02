import BONNConfiguration

/// Reads and writes recipes: YAML texts with the sections and keys of `TrainingConfiguration`.
public enum Recipe {
    /// The configuration that a YAML text describes, on top of another one.
    ///
    /// - Parameters:
    ///   - yaml: the text.
    ///   - source: where the text comes from, for messages.
    ///   - base: what holds for keys that the text does not mention.
    /// - Throws: `.configuration` that names the line of a syntax error, of an unknown section or
    ///   key (with the nearest known ones), or of a value that does not fit.
    public static func read(
        yaml: String, source: String, over base: TrainingConfiguration = TrainingConfiguration()
    ) throws(TrainingError) -> TrainingConfiguration {
        try changed(base) { (configuration) throws(ConfigurationError) in
            try configuration.read(recipe: yaml, source: source)
        }.configuration
    }

    /// The configuration in a file, on top of another one.
    ///
    /// - Throws: `.file` when the file cannot be read, and what `read(yaml:source:over:)` throws.
    public static func read(
        path: String, over base: TrainingConfiguration = TrainingConfiguration()
    ) throws(TrainingError) -> TrainingConfiguration {
        try noted(path: path, over: base).configuration
    }

    /// The configuration in a file, on top of another one, and what a person should know about the recipe, a
    /// line each. With `extends: FILE` it stands on the recipe in another file.
    ///
    /// - Throws: As `read(path:over:)`.
    public static func noted(
        path: String, over base: TrainingConfiguration
    ) throws(TrainingError) -> (configuration: TrainingConfiguration, notes: [String]) {
        let most = TrainingConfiguration.longestRecipe + 1
        let bytes = try File.beginning(of: path, most)
        return try changed(base) { (configuration) throws(ConfigurationError) in
            try configuration.read(recipe: bytes, source: path) {
                (path) throws(ConfigurationError) in
                do throws(TrainingError) {
                    return try File.beginning(of: path, most)
                } catch {
                    throw ConfigurationError(error.message)
                }
            }
        }
    }

    /// Applies assignments to a configuration; the values are YAML (`[60, 120]`, `0.1`, `sgd`).
    ///
    /// - Parameters:
    ///   - assignments: the path of a key, the text of its value, and what the user typed, for
    ///     messages. A later one wins, except that names that decide what other keys are by default are
    ///     applied before all else.
    ///   - configuration: what is changed.
    /// - Returns: What a person should know, a line each.
    /// - Throws: `.configuration` for an unknown key or a value that does not fit.
    @discardableResult
    public static func apply(
        _ assignments: [(path: String, value: String, source: String)],
        to configuration: inout TrainingConfiguration
    ) throws(TrainingError) -> [String] {
        let notes: [String]
        (configuration, notes) = try changed(configuration) {
            (configuration) throws(ConfigurationError) in try configuration.apply(assignments)
        }
        return notes
    }

    /// The complete configuration as YAML, with the meaning of each key beside it.
    public static func yaml(_ configuration: TrainingConfiguration) -> String {
        configuration.recipe
    }

    private static func changed(
        _ base: TrainingConfiguration,
        _ change: (inout TrainingConfiguration) throws(ConfigurationError) -> [String]
    ) throws(TrainingError) -> (configuration: TrainingConfiguration, notes: [String]) {
        var configuration = base
        do throws(ConfigurationError) {
            let notes = try change(&configuration)
            return (configuration, notes)
        } catch {
            throw TrainingError(.configuration, error.message)
        }
    }
}
