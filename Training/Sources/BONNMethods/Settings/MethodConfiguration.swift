public import BONNConfiguration

/// What stands behind activation quantizers.
public enum LatentWeights: String, Sendable, CaseIterable {
    /// What the method makes of latent weights.
    case quantized
    /// Real weights: the first of two stages, binary activations first (Real-to-Binary, ReActNet).
    case real
}

/// What stands in the place of activation quantizers.
public enum Activations: String, Sendable, CaseIterable {
    /// What the method makes of them.
    case quantized
    /// clip(x, -1, 1): with real weights, the real network that one of signs may start from.
    case hardtanh
}

/// How a network is trained: the section `method:` of a recipe.
public struct MethodConfiguration: Sendable {
    /// The method with its settings.
    public var value: any Method
    /// Whether the weights behind activation quantizers are the method's, or real ones for the first of two
    /// stages.
    public var weights: LatentWeights
    /// Whether activations are the method's, or real ones for a stage.
    public var activations: Activations

    /// Creates a configuration.
    public init(
        _ value: any Method = Methods.usual, weights: LatentWeights = .quantized,
        activations: Activations = .quantized
    ) {
        self.value = value
        self.weights = weights
        self.activations = activations
    }

    /// The method's name. Another one, of `Methods.all`, puts that method's defaults in place.
    public var name: String {
        get { type(of: value).card.name }
        set {
            guard newValue != name, let method = Methods.named(newValue) else { return }
            value = method.init()
        }
    }
}

extension MethodConfiguration: Equatable {
    /// The same method with the same settings.
    public static func == (left: Self, right: Self) -> Bool {
        left.weights == right.weights && left.activations == right.activations
            && left.value.equals(right.value)
    }
}

extension Method {
    fileprivate func equals(_ other: any Method) -> Bool { self == other as? Self }
}

extension MethodConfiguration {
    /// The keys that it has now: those of all methods, and those of the chosen one.
    public var keys: [Key<MethodConfiguration>] { Self.common + ownKeys }

    /// The keys of the chosen method alone.
    var ownKeys: [Key<MethodConfiguration>] {
        let method: any Method.Type = type(of: value)
        return Self.keys(of: method)
    }

    /// The keys that it would have with other methods.
    public var absentKeys: [AbsentKey<MethodConfiguration>] {
        let present = Set(keys.map(\.path))
        return Methods.all.flatMap { method in
            Self.keys(of: method).filter { !present.contains($0.path) }
                .map { AbsentKey($0, owner: method.card.name) }
        }
    }

    /// The keys of a method's own settings. While another one is chosen, they show its defaults, and setting
    /// one changes nothing.
    public static func keys<M: Method>(of method: M.Type) -> [Key<MethodConfiguration>] {
        M.keys.map { key in
            key.at(
                get: { $0.value as? M ?? M() },
                set: { if $0.value is M { $0.value = $1 } })
        }
    }

    private static let common: [Key<MethodConfiguration>] = [
        .name(
            "name", \.name, of: Methods.names,
            "how the network is binarised; sets the keys below to what its paper has"
        ).formerly("model.method").decisive(),
        .choice(
            "weights", \.weights,
            "of quantized layers: the method's, or real, for the first of two stages"
        ).formerly("model.weights").varyingByStage(),
        .choice(
            "activations", \.activations,
            "the method's, or hardtanh in the place of its quantizers, for a stage"
        ).varyingByStage(),
    ]
}
