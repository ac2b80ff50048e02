public import BONNConfiguration
public import BONNMethods

/// What the terms of the loss are made from.
public struct LossConfiguration: Sendable {
    /// How logits are compared with labels.
    public var classification = ClassificationSettings()
    /// What is added to it, as `Objectives.all` lists it.
    public private(set) var objectives: [any ObjectiveSettings] = Objectives.all.map { $0.init() }

    /// The defaults.
    public init() {}

    /// What an objective of `Objectives.all` is made from.
    public subscript<Settings: ObjectiveSettings>(_ settings: Settings.Type) -> Settings {
        get { self[place: Place<Settings>()] }
        set { self[place: Place<Settings>()] = newValue }
    }

    /// Where settings of a type stand: key paths know places, but no types.
    private struct Place<Settings: ObjectiveSettings>: Hashable {
        let index: Int

        init() {
            guard let index = Objectives.all.firstIndex(where: { $0 == Settings.self }) else {
                preconditionFailure("\(Settings.self) is not in the list of objectives")
            }
            self.index = index
        }
    }

    private subscript<Settings: ObjectiveSettings>(place place: Place<Settings>) -> Settings {
        get {
            guard let settings = objectives[place.index] as? Settings else {
                preconditionFailure("objectives stand in the order of their list")
            }
            return settings
        }
        set { objectives[place.index] = newValue }
    }
}

extension LossConfiguration: Equatable {
    /// Whether all settings are the same.
    public static func == (left: LossConfiguration, right: LossConfiguration) -> Bool {
        func same<Settings: ObjectiveSettings>(_ settings: Settings) -> Bool {
            settings == right[Settings.self]
        }
        return left.classification == right.classification
            && left.objectives.allSatisfy { same($0) }
    }
}

extension LossConfiguration {
    /// Their keys.
    public static let keys: [Key<LossConfiguration>] = {
        func keys<Settings: ObjectiveSettings>(
            _ settings: Settings.Type
        ) -> [Key<LossConfiguration>] {
            Settings.keys.at(\LossConfiguration[place: Place<Settings>()])
        }
        return Objectives.all.flatMap { keys($0) }
            + ClassificationSettings.keys.at(\.classification)
    }()
}
