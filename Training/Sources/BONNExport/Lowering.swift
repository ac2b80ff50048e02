public import BONN
public import BONNModelFormat
import Torch

/// Lowering: a trained network to the graph and tensors of a model file.
///
/// The only place where latent weights become bits and batch norm with sign becomes a threshold.
/// Every step is exact in deployment arithmetic, so the file computes what the network computes in
/// `Phase.deployment`, bit for bit.
public struct Lowering {
    /// The lowered network.
    public let file: ModelFile
    /// The nodes of each 1-bit convolution, for the parity check.
    let binaryLayers: [BinaryLayerNodes]

    /// Lowers `network` for images of `height` x `width` pixels.
    ///
    /// - Throws: `ExportError` for images that do not fit the network and for weights that are not
    ///   finite.
    public init(
        _ network: Network, height: Int, width: Int, preprocessing: Preprocessing? = nil,
        classNames: [Name] = [], provenance: [Name: String] = [:]
    ) throws(ExportError) {
        do {
            try network.configuration.validate(height: height, width: width)
        } catch {
            throw ExportError(.shape, error.message)
        }
        var builder = GraphBuilder()
        let input: Name = "image"
        let size = ImageSize(height: height, width: width)
        let logits = try builder.lower(network, size, input: input)
        binaryLayers = builder.binaryLayers
        var graph = Graph(
            input: GraphInput(
                name: input, shape: Shape(network.configuration.inputChannels, height, width),
                element: .real),
            nodes: builder.nodes, output: logits)
        do {
            // The order of `DownsamplingShortcut` in deployment.
            graph = graph.poolingFirst(types: try graph.validate(tensors: builder.tensors))
        } catch {
            throw ExportError(.format, error.message)
        }
        file = ModelFile(
            metadata: ModelMetadata(
                graph: graph, preprocessing: preprocessing, classNames: classNames,
                provenance: provenance),
            tensors: builder.tensors)
    }
}

/// The names that one 1-bit convolution got in the graph, with the layer itself.
struct BinaryLayerNodes {
    let unit: ConvolutionUnit
    /// The real value that the unit reads.
    let input: Name
    /// The bits behind batch norm and sign.
    let bits: Name
    /// The scaled sums.
    let output: Name
}

extension GraphBuilder {
    fileprivate mutating func lower(
        _ network: Network, _ size: ImageSize, input: Name
    ) throws(ExportError) -> Name {
        let imagenet = network.configuration.stem == .imagenet
        var size = imagenet ? size.halved.halved : size
        var value = try convolution("stem.convolution", network.stemConvolution, input)
        value = try batchNorm("stem.norm", network.stemNorm, value)
        value = try prelu("stem.prelu", network.stemPReLU, value)
        if imagenet {
            let window = Window(3, stride: 2, padding: 1)
            value = add("stem.pool", .maxPool(Pool(window: window)), [value])
        }
        for (index, block) in network.blocks.enumerated() {
            value = try lower(block, "blocks.\(index)", value, size)
            if block.shortcut?.stride == 2 { size = size.halved }
        }
        value = add("features", .globalAveragePool, [value])
        return try linear("logits", network.head, value)
    }

    private mutating func lower(
        _ block: Block, _ name: Name, _ input: Name, _ size: ImageSize
    ) throws(ExportError) -> Name {
        var value = input
        for (index, unit) in block.units.enumerated() {
            value = try lower(unit, "\(name).\(index)", value)
            if index < block.units.count - 1 {
                value = try prelu("\(name).\(index).prelu", block.prelus[index], value)
            }
        }
        var around = input
        if let shortcut = block.shortcut {
            around = try convolution(
                "\(name).shortcut.convolution", shortcut.convolution, around)
            around = try batchNorm("\(name).shortcut.norm", shortcut.norm, around)
            if shortcut.stride > 1 {
                let pool = Pool(roundingUp: size, stride: shortcut.stride)
                around = add("\(name).shortcut.pool", .averagePool(pool), [around])
            }
        }
        let last = block.prelus[block.prelus.count - 1]
        switch block.placement {
        case .afterAddition:
            let sum = add("\(name).add", .add, [value, around])
            return try prelu("\(name).prelu", last, sum)
        case .beforeAddition:
            let activated = try prelu("\(name).prelu", last, value)
            return add("\(name).add", .add, [activated, around])
        }
    }

    private mutating func lower(
        _ unit: ConvolutionUnit, _ name: Name, _ input: Name
    ) throws(ExportError) -> Name {
        switch unit.convolution {
        case .real(let real):
            let normalised = try batchNorm("\(name).norm", unit.norm, input)
            return try convolution("\(name).convolution", real, normalised)
        case .binary(let binary, _):
            let bits = try signOfBatchNorm("\(name).sign", unit.norm, input)
            let output = try binaryConvolution("\(name).convolution", binary, bits)
            binaryLayers.append(
                BinaryLayerNodes(unit: unit, input: input, bits: bits, output: output))
            return output
        }
    }
}

extension Pool {
    /// A pooling with windows side by side over all of an image, the last ones over what is left of it
    /// (PyTorch's `ceil_mode`): those reach into a padding that does not count. Every window begins
    /// inside of the image, which is what PyTorch asks of the last one too.
    fileprivate init(roundingUp size: ImageSize, stride: Int) {
        var window = Window(stride, stride: stride)
        window.padBottom = (stride - size.height % stride) % stride
        window.padRight = (stride - size.width % stride) % stride
        self.init(window: window, countsPadding: window.padBottom == 0 && window.padRight == 0)
    }
}
