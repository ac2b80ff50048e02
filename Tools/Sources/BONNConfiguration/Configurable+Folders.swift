extension Configurable {
    /// The same, without what only the machine knows that a recipe was used on: of values that are absolute paths
    /// the last part is left. For recipes that go out with a result.
    public var withoutFolders: Self {
        var copy = self
        for key in keys {
            guard let value = key.value(in: self).withoutFolders else { continue }
            // What does not fit any more stays: a name is no path for the key.
            _ = key.set(value, in: &copy)
        }
        if let storage = Self.stageStorage {
            copy[keyPath: storage] = stages.map { stage in
                RecipeStage(
                    name: stage.name,
                    settings: stage.settings.map {
                        RecipeStage.Setting($0.path, $0.value.withoutFolders ?? $0.value)
                    })
            }
        }
        return copy
    }
}

extension ConfigurationValue {
    /// The last part of an absolute path; nil for any other value.
    fileprivate var withoutFolders: ConfigurationValue? {
        guard case .scalar(let text) = self, text.hasPrefix("/"),
            let last = text.split(separator: "/").last
        else { return nil }
        return .scalar(String(last))
    }
}
