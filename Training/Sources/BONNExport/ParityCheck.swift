public import BONNMethods
public import BONNRuntime
public import Torch

/// The comparison of a trained network with its deployed form (ARCHITECTURE.md, "Deployment
/// arithmetic").
///
/// Images go through the network in `DeployedNetwork` and through the runtime with every kernel set
/// and number of threads asked for. Logits are compared, and the results of the runtime's
/// configurations with each other, bit for bit.
public struct ParityCheck: ~Copyable {
    /// What was found so far.
    public private(set) var parity: Parity
    private let configurations: [Configuration]

    /// Prepares a comparison with a model: one session for each configuration.
    ///
    /// - Parameters:
    ///   - models: the model, packed for each kernel set.
    ///   - batch: the most images of a batch.
    public init(
        _ models: [Model], threads: [Int] = [1, 2], batch: Int
    ) throws(ExportError) {
        var configurations: [Configuration] = []
        for model in models {
            for count in threads {
                configurations.append(try Configuration(model, threads: count, batch: batch))
            }
        }
        self.configurations = configurations
        parity = Parity(
            entries: configurations.map { Parity.Entry(kernels: $0.kernels, threads: $0.threads) })
    }

    /// Compares one batch `[N, C, H, W]` of normalised images.
    public mutating func compare(
        _ network: DeployedNetwork, _ batch: Tensor
    ) throws(ExportError) {
        let expected = try deployment("parity") { try network(batch).logits.to(.cpu).floats() }
        let input = try torch("parity") { () throws(TorchError) in
            try batch.to(.cpu).floats()
        }
        let count = batch.shape[0]
        let classes = expected.count / max(1, count)
        var first: [Float]?
        for (index, configuration) in configurations.enumerated() {
            let found = try configuration.run(input)
            for image in 0..<count {
                let range = (image * classes)..<((image + 1) * classes)
                parity.entries[index].add(expected: expected[range], found: found[range])
                if let first, !zip(first[range], found[range]).allSatisfy(Self.sameBits) {
                    parity.entries[index].differingFromFirst += 1
                }
            }
            first = first ?? found
        }
        parity.images += count
    }

    private static func sameBits(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern }
}

/// The owner of one configuration's session; a class, since sessions cannot be copied into an array.
private final class Configuration {
    private var session: InferenceSession

    init(_ model: Model, threads: Int, batch: Int) throws(ExportError) {
        session = try runtime(model.kernels.name) { () throws(RuntimeError) in
            try InferenceSession(model, threads: threads, batch: batch)
        }
    }

    var kernels: String { session.kernels.name }
    var threads: Int { session.threads }

    func run(_ input: [Float]) throws(ExportError) -> [Float] {
        try runtime(kernels) { () throws(RuntimeError) in try session.run(input) }
    }
}
