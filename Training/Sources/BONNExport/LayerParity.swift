import BONN
import BONNModelFormat
import BONNRuntime
import Torch

/// The comparison of every 1-bit layer alone: bits and integer sums of the runtime are those that the
/// training network's layer computes from the same input.
struct LayerParity {
    private let lowering: Lowering
    private let types: [Name: ValueType]

    init(_ lowering: Lowering) throws(ExportError) {
        self.lowering = lowering
        do {
            types = try lowering.file.validate()
        } catch {
            throw ExportError(.format, error.message)
        }
    }

    /// The values of the graph that are compared, and those that the layers read.
    private var nodes: [Name] {
        Set(lowering.binaryLayers.flatMap { [$0.input, $0.bits, $0.output] }).sorted()
    }

    /// Compares every layer on one batch `[N, C, H, W]` of normalised images.
    ///
    /// - Returns: the number of values compared.
    /// - Throws: `ExportError` of code `parity` that names the first element that differs.
    func compare(_ kernels: KernelSet, _ batch: Tensor) throws(ExportError) -> Int {
        let input = try torch("parity") { () throws(TorchError) in
            try batch.to(.cpu).floats()
        }
        let images = batch.shape[0]
        let values = try runtime(kernels.name) { () throws(RuntimeError) in
            let model = try Model(lowering.file, kernels: kernels, exposing: nodes)
            var session = try InferenceSession(model, batch: images)
            return try session.values(of: nodes, input: input)
        }
        var compared = 0
        for layer in lowering.binaryLayers {
            guard let shape = types[layer.input]?.shape else { continue }
            let found = try Found(layer, in: values)
            let wanted = try Self.expected(
                layer, found.input, shape: [images, shape.channels, shape.height, shape.width])
            try Self.require(wanted.bits, in: found.bits, of: layer.bits, kernels)
            try Self.require(wanted.output, in: found.output, of: layer.output, kernels)
            compared += found.bits.count + found.output.count
        }
        return compared
    }

    /// What the runtime computed around a layer.
    private struct Found {
        let input, bits, output: [Float]

        init(_ layer: BinaryLayerNodes, in values: [Name: [Float]]) throws(ExportError) {
            guard let input = values[layer.input], let bits = values[layer.bits],
                let output = values[layer.output]
            else {
                throw ExportError(
                    .runtime, "\(layer.output): the runtime returned no values for it")
            }
            (self.input, self.bits, self.output) = (input, bits, output)
        }
    }

    /// What the training network's layer makes of an input.
    private static func expected(
        _ layer: BinaryLayerNodes, _ input: [Float], shape: [Int]
    ) throws(ExportError) -> (bits: [Float], output: [Float]) {
        guard case .binary(let binary, let estimator) = layer.unit.convolution else {
            throw ExportError(.parity, "\(layer.output): not a 1-bit layer")
        }
        return try torch(layer.output.text) { () throws(TorchError) in
            try withoutGradient { () throws(TorchError) in
                let x = try Tensor(input, shape: shape).to(binary.weight.tensor.device)
                let signs = try layer.unit.norm.sign(x, .deployment, estimator: estimator)
                return (
                    bits: try signs.to(.cpu).floats(),
                    output: try binary(signs, .deployment).to(.cpu).floats()
                )
            }
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
