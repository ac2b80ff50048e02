import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import Torch

/// The comparison of every layer that reads bits alone: bits and sums of the runtime are those that the
/// deployment arithmetic computes from the same input.
struct LayerParity {
    private let lowering: PlanLowering
    private let types: [Name: ValueType]

    init(_ lowering: PlanLowering) throws(ExportError) {
        self.lowering = lowering
        do {
            types = try lowering.file.validate()
        } catch {
            throw ExportError(.format, error.message)
        }
    }

    /// The values of the graph that are compared, and those that the layers read.
    private var nodes: [Name] {
        Set(lowering.bitLayers.flatMap { [$0.source, $0.layer] + $0.planes }).sorted()
    }

    /// Compares every layer on one batch `[N, C, H, W]` of normalised images.
    ///
    /// - Returns: the number of values compared.
    /// - Throws: `ExportError` of code `parity` that names the first element that differs.
    func compare(
        _ network: Network, _ arithmetic: DeployedNetwork, _ kernels: KernelSet,
        _ batch: Tensor
    ) throws(ExportError) -> Int {
        let input = try torch("parity") { () throws(TorchError) in
            try batch.to(.cpu).floats()
        }
        let images = batch.shape[0]
        let values = try runtime(kernels.name) { () throws(RuntimeError) in
            let model = try Model(lowering.file, kernels: kernels, exposing: nodes)
            var session = try InferenceSession(model, batch: images)
            return try session.values(of: nodes, input: input)
        }
        func found(_ name: Name) throws(ExportError) -> [Float] {
            guard let value = values[name] else {
                throw ExportError(.runtime, "\(name): the runtime returned no values for it")
            }
            return value
        }
        var compared = 0
        for layer in lowering.bitLayers {
            guard let shape = types[layer.source]?.shape else { continue }
            let wanted = try Self.expected(
                layer, try found(layer.source), network, arithmetic,
                shape: [images, shape.channels, shape.height, shape.width])
            for (name, bits) in zip(layer.planes, wanted.planes) {
                try Self.require(bits, in: try found(name), of: name, kernels)
                compared += bits.count
            }
            try Self.require(wanted.sums, in: try found(layer.layer), of: layer.layer, kernels)
            compared += wanted.sums.count
        }
        return compared
    }

    /// What the deployment arithmetic makes of a layer's input; and that it is what evaluation makes of it.
    private static func expected(
        _ layer: LoweredLayer, _ source: [Float], _ network: Network,
        _ arithmetic: DeployedNetwork, shape: [Int]
    ) throws(ExportError) -> (planes: [[Float]], sums: [Float]) {
        try deployment(layer.layer.text) {
            try withoutGradient {
                let x = try arithmetic.normalized(
                    layer.norm, Tensor(source, shape: shape).to(arithmetic.device))
                let planes = try arithmetic.planes(layer.quantizer, of: x)
                try require(
                    total(planes), near: network.evaluated(layer.quantizer, [x]), layer.quantizer)
                let (read, sums) = try arithmetic.sums(
                    layer.layer, of: planes, from: layer.quantizer)
                try require(
                    sums, near: network.evaluated(layer.layer, [total(read)]), layer.layer)
                return (
                    planes: try planes.map { try $0.bits.to(.cpu).floats() },
                    sums: try sums.to(.cpu).floats()
                )
            }
        }
    }

    /// The value that weighted planes stand for.
    private static func total(
        _ planes: [(bits: Tensor, weight: Float)]
    ) throws(TorchError) -> Tensor {
        var sum = try planes[0].bits * Double(planes[0].weight)
        for plane in planes.dropFirst() { sum = try sum + plane.bits * Double(plane.weight) }
        return sum
    }

    /// The largest difference of a deployed form from what it was trained as, over the largest value: that
    /// of float32 sums in another order.
    private static let tolerance = 1e-4

    private static func require(
        _ deployed: Tensor, near trained: Tensor, _ name: Name
    ) throws {
        let largest = max(1e-30, try trained.abs().flatten().amax([0]).item())
        let worst = try (deployed - trained.reshape(deployed.shape)).abs().flatten().amax([0])
            .item()
        guard worst <= tolerance * largest else {
            throw ExportError(
                .parity,
                "\(name): its deployed form differs by \(worst) from what evaluation computes of the "
                    + "same input, whose largest value is \(largest); expected \(tolerance) of it at "
                    + "most: the method's deployed form is wrong")
        }
    }

    private static func require(
        _ wanted: [Float], in found: [Float], of name: Name, _ kernels: KernelSet
    ) throws(ExportError) {
        guard found.count == wanted.count else {
            throw ExportError(
                .parity, "\(name): expected \(wanted.count) values, the runtime has \(found.count)")
        }
        if let index = found.indices.first(where: { found[$0] != wanted[$0] }) {
            throw ExportError(
                .parity,
                "\(name) with kernel set \(kernels): element \(index) is \(found[index]), the "
                    + "training network has \(wanted[index]); binary layers must agree exactly")
        }
    }
}
