public import BONNModelFormat

/// A network as data: named layers over named values, without tensors.
///
/// Everything that has to agree about a network reads this one list: what trains it, what lowers it to a
/// model file, what sums up its work. Each layer defines one value, which carries the layer's name, and
/// stands behind everything that it reads; names are those of the parameters in a checkpoint, of the rows
/// of layers.csv, and of the nodes of the model file.
///
/// A `PlanBuilder` makes it, which refuses what cannot be trained and run.
///
/// A plan knows no method. Where 1-bit arithmetic begins stands a layer `quantize`, and which weights are
/// of few bits is `Weights.quantized`; what both compute is the business of who executes the plan.
public struct NetworkPlan: Sendable, Equatable {
    /// The name of the value that holds the image.
    public static let input: Name = "image"

    /// `[C, H, W]` of an image.
    public let input: Shape
    /// The layers, definition before use.
    public internal(set) var layers: [PlannedLayer] { didSet { places = Self.places(of: layers) } }
    /// The value that the last fully connected layer reads: what a loss on features acts on.
    public internal(set) var features: Name
    /// The value that holds the logits, `[classes, 1, 1]`.
    public internal(set) var output: Name

    /// Where each layer stands.
    private var places: [Name: Int]

    /// The plan of layers that fit each other, of which two are the features and the output.
    init(input: Shape, layers: [PlannedLayer], features: Name, output: Name) {
        self.input = input
        self.layers = layers
        self.features = features
        self.output = output
        places = Self.places(of: layers)
    }

    private static func places(of layers: [PlannedLayer]) -> [Name: Int] {
        Dictionary(uniqueKeysWithValues: zip(layers.map(\.name), layers.indices))
    }

    /// The layer of a name, or nil.
    public subscript(name: Name) -> PlannedLayer? { places[name].map { layers[$0] } }

    /// The number of classes.
    public var classes: Int { self[output]?.shape.channels ?? 0 }

    /// The number of features.
    public var featureCount: Int { self[features]?.shape.count ?? 0 }

    /// The shape of a value; nil where nothing defines it.
    public func shape(of value: Name) -> Shape? {
        value == Self.input ? input : self[value]?.shape
    }

    /// The shape of a layer's weights: [K, C / groups, kh, kw], of a fully connected layer [K, C].
    public func weightShape(of layer: PlannedLayer) -> [Int] {
        let channels = shape(of: layer.inputs[0])?.channels ?? 0
        guard case .convolution(let convolution) = layer.layer else {
            return [layer.shape.channels, channels]
        }
        return convolution.weightShape(channels: channels)
    }

    /// The multiply-accumulates of a layer with weights for one image: each of its sums has as many as a filter has
    /// weights.
    public func macs(of layer: PlannedLayer) -> Int {
        layer.shape.count * weightShape(of: layer).dropFirst().reduce(1, *)
    }

    /// The quantizer whose values a layer reads, be they pooled or flattened; nil: it reads real numbers.
    public func quantizer(before layer: PlannedLayer) -> PlannedLayer? {
        var value = layer.inputs[0]
        while let source = self[value] {
            switch source.layer {
            case .quantize: return source
            case .maxPool, .flatten, .dropout: value = source.inputs[0]
            case .convolution, .linear, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu,
                .absolute, .stopGradient, .averagePool, .globalAveragePool, .add, .multiply,
                .concatenate:
                return nil
            }
        }
        return nil
    }

    /// The layers that read a value, in order.
    public func readers(of value: Name) -> [PlannedLayer] {
        layers.filter { $0.inputs.contains(value) }
    }

    /// The layers whose weights are quantized, in order of execution.
    public var quantizedLayers: [PlannedLayer] { layers.filter(\.layer.hasQuantizedWeights) }
}

/// A layer of a plan and the value that it defines.
public struct PlannedLayer: Sendable, Equatable {
    /// Unique in the plan; also the name of the value.
    public let name: Name
    /// What is computed.
    public var layer: LayerPlan
    /// The values that it reads, in order.
    public internal(set) var inputs: [Name]
    /// `[C, H, W]` of the value.
    public internal(set) var shape: Shape
}
