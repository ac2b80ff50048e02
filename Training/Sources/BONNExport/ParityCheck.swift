public import BONN
public import BONNModelFormat
public import BONNRuntime
public import Torch

/// The comparison of a trained network with its deployed form (ARCHITECTURE.md, "Parity").
///
/// Images go through the network in `Phase.deployment` and through the runtime with every kernel set
/// and number of threads asked for. Logits are compared, and the results of the runtime's
/// configurations with each other, bit for bit.
public struct ParityCheck: Sendable {
    /// One configuration of the runtime and how far it was from the network.
    public struct Entry: Sendable, Equatable {
        /// The kernel set.
        public let kernels: String
        /// Threads of the session.
        public let threads: Int
        /// Images with the same top-1 class.
        public var agreeing = 0
        /// Largest difference of a logit.
        public var maxAbsDifference = 0.0
        /// Largest difference of a logit over the largest logit of its image.
        public var maxRelativeDifference = 0.0
        /// Images whose logits are not the very bits of the first configuration.
        public var differingFromFirst = 0
    }

    /// The largest relative difference of a logit that is accepted.
    public static let tolerance = 1e-3

    /// Images compared so far.
    public private(set) var images = 0
    /// One entry per kernel set and number of threads.
    public private(set) var entries: [Entry]
    private let model: Model

    /// Prepares a comparison with `model`.
    public init(
        _ model: Model, kernels: [KernelSet] = KernelSet.available, threads: [Int] = [1, 2]
    ) {
        self.model = model
        entries = kernels.flatMap { set in
            threads.map { Entry(kernels: set.name, threads: $0) }
        }
    }

    /// Prepares a comparison with `file`.
    public init(
        _ file: ModelFile, kernels: [KernelSet] = KernelSet.available, threads: [Int] = [1, 2]
    ) throws(ExportError) {
        do {
            self.init(try Model(file), kernels: kernels, threads: threads)
        } catch {
            throw ExportError(.runtime, error.message)
        }
    }

    /// Compares one batch `[N, C, H, W]` of normalised images.
    public mutating func compare(_ network: Network, _ batch: Tensor) throws(ExportError) {
        let expected = try torch("parity") { () throws(TorchError) in
            try withoutGradient { () throws(TorchError) in
                try network(batch, .deployment).logits.to(.cpu).floats()
            }
        }
        let input = try torch("parity") { () throws(TorchError) in
            try batch.to(.cpu).floats()
        }
        let count = batch.shape[0]
        let classes = expected.count / max(1, count)
        var first: [Float]?
        for index in entries.indices {
            let found: [Float]
            do {
                var session = try InferenceSession(
                    model, kernels: KernelSet.named(entries[index].kernels),
                    threads: entries[index].threads, batch: count)
                found = try session.run(input)
            } catch {
                throw ExportError(.runtime, "\(entries[index].kernels): \(error)")
            }
            for image in 0..<count {
                let range = (image * classes)..<((image + 1) * classes)
                entries[index].add(expected: expected[range], found: found[range])
                if let first, !zip(first[range], found[range]).allSatisfy(Self.sameBits) {
                    entries[index].differingFromFirst += 1
                }
            }
            first = first ?? found
        }
        images += count
    }

    /// Checks every 1-bit layer alone on one batch: bits and integer sums of the runtime are those that
    /// the training network's layer computes from the same input, with every kernel set.
    ///
    /// - Returns: the number of values compared.
    public func compareLayers(
        _ lowering: Lowering, _ batch: Tensor
    ) throws(ExportError) -> Int {
        let input = try torch("parity") { () throws(TorchError) in
            try batch.to(.cpu).floats()
        }
        let types: [String: ValueType]
        do {
            types = try lowering.file.metadata.graph.validate(tensors: lowering.file.tensors)
        } catch {
            throw ExportError(.format, error.message)
        }
        var compared = 0
        for kernels in Set(entries.map(\.kernels)).sorted() {
            let values: [String: [Float]]
            let names = lowering.binaryLayers.flatMap { [$0.input, $0.bits, $0.output] }
            do {
                var session = try InferenceSession(
                    model, kernels: KernelSet.named(kernels), threads: 1, batch: batch.shape[0])
                values = try session.values(of: Array(Set(names)).sorted(), input: input)
            } catch {
                throw ExportError(.runtime, "\(kernels): \(error)")
            }
            for layer in lowering.binaryLayers {
                guard let shape = types[layer.input]?.shape else { continue }
                compared += try compare(layer, shape, values, kernels, images: batch.shape[0])
            }
        }
        return compared
    }

    private func compare(
        _ layer: BinaryLayerNodes, _ shape: Shape, _ values: [String: [Float]], _ kernels: String,
        images: Int
    ) throws(ExportError) -> Int {
        guard case .binary(let binary, let estimator) = layer.unit.convolution else { return 0 }
        guard let input = values[layer.input], let bits = values[layer.bits],
            let output = values[layer.output]
        else {
            throw ExportError(.runtime, "\(layer.output): the runtime returned no values for it")
        }
        let expected = try torch(layer.output) { () throws(TorchError) in
            try withoutGradient { () throws(TorchError) in
                let x = try Tensor(
                    input, shape: [images, shape.channels, shape.height, shape.width]
                ).to(binary.weight.tensor.device)
                let signs = try layer.unit.norm.sign(x, .deployment, estimator: estimator)
                return (
                    bits: try signs.to(.cpu).floats(),
                    output: try binary(signs, .deployment).to(.cpu).floats()
                )
            }
        }
        for (name, found, wanted) in [
            (layer.bits, bits, expected.bits), (layer.output, output, expected.output),
        ] {
            guard found.count == wanted.count else {
                throw ExportError(
                    .parity,
                    "\(name): expected \(wanted.count) values, the runtime has \(found.count)")
            }
            if let index = found.indices.first(where: { found[$0] != wanted[$0] }) {
                throw ExportError(
                    .parity,
                    "\(name) with kernel set \(kernels): element \(index) is \(found[index]), the "
                        + "training network has \(wanted[index]); binary layers must agree exactly")
            }
        }
        return bits.count + output.count
    }

    /// Whether every configuration is within the bounds.
    public var passed: Bool {
        images > 0
            && entries.allSatisfy {
                $0.agreeing == images && $0.maxRelativeDifference <= Self.tolerance
                    && $0.differingFromFirst == 0
            }
    }

    /// The certificate of the worst configuration.
    public var certificate: ParityCertificate {
        ParityCertificate(
            images: images,
            top1Agreement: images == 0
                ? 0 : Double(entries.map(\.agreeing).min() ?? 0) / Double(images),
            maxAbsDifference: entries.map(\.maxAbsDifference).max() ?? 0,
            maxRelativeDifference: entries.map(\.maxRelativeDifference).max() ?? 0,
            kernels: Set(entries.map(\.kernels)).sorted())
    }

    private static func sameBits(_ a: Float, _ b: Float) -> Bool { a.bitPattern == b.bitPattern }
}

extension ParityCheck.Entry {
    fileprivate mutating func add(expected: ArraySlice<Float>, found: ArraySlice<Float>) {
        func top(_ values: ArraySlice<Float>) -> Int? {
            values.indices.max { values[$0] < values[$1] }.map { $0 - values.startIndex }
        }
        if top(expected) == top(found) { agreeing += 1 }
        let largest = Double(expected.map(abs).max() ?? 0)
        for (a, b) in zip(expected, found) {
            let difference = abs(Double(a) - Double(b))
            // A NaN on either side is the largest possible difference, not a silent pass.
            let absolute = difference.isNaN ? .infinity : difference
            maxAbsDifference = max(maxAbsDifference, absolute)
            if absolute > 0 {
                maxRelativeDifference = max(maxRelativeDifference, absolute / largest)
            }
        }
    }
}
