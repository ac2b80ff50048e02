import BONNModelFormat
import BONNNetworks

/// A published network, to be measured with random weights, with the blocks of BONN's released code where it
/// leaves the order of layers open.
struct BenchmarkNetwork {
    /// As `--network` spells it.
    let name: String
    /// The network.
    let entry: NetworkEntry
    /// Whether it is as `bonn export --int8` makes it: the first and the last layer in signed bytes, and the
    /// weights of the shortcuts.
    let isInt8: Bool

    /// The largest side that is worth asking for.
    static let largestSide = 2048

    /// What `--network` knows.
    static let all = Networks.all.flatMap { entry in
        let real = BenchmarkNetwork(name: entry.name, entry: entry, isInt8: false)
        let int8 = BenchmarkNetwork(name: entry.name + "-int8", entry: entry, isInt8: true)
        return entry.stem == nil ? [real] : [real, int8]
    }

    /// The network of a name, or nil.
    init?(named name: String) {
        guard let network = Self.all.first(where: { $0.name == name }) else { return nil }
        self = network
    }

    private init(name: String, entry: NetworkEntry, isInt8: Bool) {
        self.name = name
        self.entry = entry
        self.isInt8 = isInt8
    }

    /// The side of the images that the network was published with.
    var defaultSide: Int { entry.input.height }

    /// The network with random weights, for images of `side` x `side` pixels.
    func file(side: Int) throws -> ModelFile {
        let plan = try entry.plan(
            input: Shape(entry.input.channels, side, side), style: BONNBlock())
        return try PlanLowering(plan, weights: RandomWeights(plan, isInt8: isInt8)).file
    }
}
