public import BONNConfiguration

/// What is taken away from a network while it is trained: the section `pruning` of recipes. Each technique has a
/// file of its own beside this one.
public struct PruningConfiguration: Sendable, Equatable {
    /// q: real weights below q times the standard deviation of their layer become 0 for good (`MagnitudePruning`).
    /// 0 keeps the zeros that are there; nil: no weights are pruned.
    public var magnitude: Double?
    /// q of layers that have another one than all.
    public var layers: [NamedNumber] = []
    /// What of a real network is trained (`FixedPart` keeps the rest).
    public var trains = TrainedPart.all
    /// epsilon: the filters of each quantized layer become int(filters * epsilon) different ones
    /// (`GroupPruning`); 0: they are not grouped.
    public var groups = 0.0
    /// The weight of the loss of the groups.
    public var groupLoss = 1.0
    /// nu of the loss of the groups.
    public var nu = 1e-4
    /// The share of a stage's steps after which the filters of a group are the same.
    public var convergence = 0.75

    /// Nothing is taken away.
    public init() {}

    /// The keys.
    public static let keys: [Key<PruningConfiguration>] = [
        .optionalNumber(
            "magnitude", \.magnitude, in: 0...100,
            "real weights below so many standard deviations of their layer become 0 for good; null: none"
        ),
        .namedNumbers("layers", \.layers, in: 0...100, "the same for layers by name, LAYER=NUMBER"),
        .choice(
            "trains", \.trains,
            "what of a real network is trained: what is in front of its first fully connected layer, the rest, or all"
        ),
        .number(
            "groups", \.groups, in: 0...1,
            "share of different filters that 1-bit layers keep (BONN's pruning); 0: all"),
        .number(
            "group_loss", \.groupLoss, in: 0...(.greatestFiniteMagnitude),
            "weight of the loss of groups of filters"),
        .number(
            "nu", \.nu, in: 0...(.greatestFiniteMagnitude),
            "variance of filters around the mean of their group, in that loss"),
        .number(
            "convergence", \.convergence, in: 0...1,
            "share of the steps after which the filters of a group are the same"),
    ]

    /// What training does for it in a network with the weights that it starts from.
    ///
    /// - Throws: `NetworkError` where the network has nothing to prune, `TorchError` when the device refuses.
    public func rules(for network: Network) throws -> [any TrainingRule] {
        var rules: [any TrainingRule] = []
        if magnitude != nil || !layers.isEmpty {
            rules.append(try MagnitudePruning(self, network))
        }
        if groups > 0 { rules.append(try GroupPruning(self, network)) }
        // Last, so that no other rule gives what is fixed a gradient.
        if let rule = try trains.rule(for: network) { rules.append(rule) }
        return rules
    }
}
