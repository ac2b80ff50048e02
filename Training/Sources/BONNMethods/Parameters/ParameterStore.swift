public import Torch

/// The parameters of a network in the order of their creation.
public final class ParameterStore {
    /// All parameters and buffers.
    public private(set) var parameters: [Parameter] = []
    /// Where they live.
    public let device: Device
    /// What decides every initial value.
    let seed: UInt64
    private let prefix: String
    private var byName: [String: Parameter] = [:]

    /// Creates an empty store; `seed` decides every initial value.
    ///
    /// - Parameter prefix: what stands in front of all names, but not of those that are looked for.
    public init(seed: UInt64, device: Device, prefix: String = "") {
        self.seed = seed
        self.device = device
        self.prefix = prefix
    }

    /// The parameter of this name, without the prefix, or nil.
    public subscript(name: String) -> Parameter? { byName[name] }

    /// The parameters that an optimiser moves.
    public var trainable: [Parameter] { parameters.filter(\.isTrainable) }

    /// The scope that names top-level parameters.
    public var root: ParameterScope { ParameterScope(self, path: "") }

    func add(
        _ name: String, shape: [Int], initialiser: Initialiser, role: ParameterRole
    ) throws(TorchError) -> Parameter {
        precondition(byName[name] == nil, "two parameters are named \(name)")
        // The seed comes from the name, so adding a layer does not change another's initial weights.
        let generator = try Generator(seed: seed ^ Self.hash(name), device: .cpu)
        let values = try initialiser.values(shape: shape, generator: generator).to(device)
        if role.isTrainable { try values.requiresGradient(true) }
        let parameter = Parameter(name: prefix + name, tensor: values, role: role)
        parameters.append(parameter)
        byName[name] = parameter
        return parameter
    }

    /// FNV-1a, 64 bit.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

/// A place in the tree of names: `scope / "stages" / "0"`.
public struct ParameterScope {
    let store: ParameterStore
    let path: String

    /// The scope of a whole path, such as `stages.0.3`.
    public init(_ store: ParameterStore, path: String) {
        self.store = store
        self.path = path
    }

    /// The scope of a child.
    public static func / (scope: ParameterScope, child: String) -> ParameterScope {
        ParameterScope(scope.store, path: scope.key(child))
    }

    /// Creates a parameter here.
    public func parameter(
        _ name: String, _ shape: [Int], _ initialiser: Initialiser, role: ParameterRole
    ) throws(TorchError) -> Parameter {
        try store.add(key(name), shape: shape, initialiser: initialiser, role: role)
    }

    private func key(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}

/// What a method wants a quantized layer to learn in the place of its kernel.
public struct LatentParameter: Sendable {
    /// Their shape: nearly always that of the kernel.
    public let shape: [Int]
    /// How they start.
    public let initialiser: Initialiser
    /// What they are for: their signs, or what else becomes of them, are deployed.
    public let role: ParameterRole

    /// - Parameter initialiser: nil: a Gaussian of variance 2 / fan-in.
    public init(
        _ shape: [Int], _ initialiser: Initialiser? = nil, role: ParameterRole = .latent
    ) {
        self.shape = shape
        self.initialiser = initialiser ?? .kaiming(shape)
        self.role = role
    }
}

/// How the first values of a parameter are drawn.
public enum Initialiser: Sendable {
    /// The same value everywhere.
    case constant(Double)
    /// A Gaussian with mean 0.
    case normal(deviation: Double)
    /// Uniform in [low, high).
    case between(_ low: Double, _ high: Double)
    /// These numbers, in row-major order.
    case values([Float])

    /// Uniform in [-bound, bound).
    public static func uniform(bound: Double) -> Initialiser { .between(-bound, bound) }

    /// A Gaussian of variance 2 / fan-in (He et al., 2015), for weights `[K, C, kh, kw]`.
    public static func kaiming(_ shape: [Int]) -> Initialiser {
        let fanIn = shape.dropFirst().reduce(1, *)
        return .normal(deviation: (2 / Double(max(1, fanIn))).squareRoot())
    }

    func values(shape: [Int], generator: Generator) throws(TorchError) -> Tensor {
        switch self {
        case .constant(let value): try Tensor.full(shape, value)
        case .normal(let deviation):
            try generator.normal(shape, std: deviation)
        case .between(let low, let high):
            try generator.uniform(shape, low: low, high: high)
        case .values(let values): try Tensor(values, shape: shape)
        }
    }
}
