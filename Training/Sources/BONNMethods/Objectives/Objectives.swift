public import BONNConfiguration

/// What a recipe says of an objective.
public protocol ObjectiveSettings: Sendable, Equatable {
    /// The name of the objective.
    static var name: String { get }

    /// The keys, which stand in the section `losses` of a recipe.
    static var keys: [Key<Self>] { get }

    /// The defaults.
    init()

    /// The objective for a network; nil where its weight is 0, or where the network has nothing for it to act
    /// on.
    func objective(for network: Network) throws -> (any Objective)?
}

/// The objectives that recipes can ask for, beside the classification: a line here and a file of its own each.
public enum Objectives {
    /// All of them, in the order in which terms are added and columns stand.
    public static let all: [any ObjectiveSettings.Type] = [
        KernelLossSettings.self,
        FeatureLossSettings.self,
        CenterLossSettings.self,
        DistillationSettings.self,
    ]

    /// The terms that every run has in its tables, 0 where one has no part in it; other terms stand in the
    /// tables of runs that have them.
    public static let terms = [
        CrossEntropy.name, KernelLossSettings.name, FeatureLossSettings.name,
    ]
}
