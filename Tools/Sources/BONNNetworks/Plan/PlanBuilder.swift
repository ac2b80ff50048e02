public import BONNModelFormat

/// Puts a plan together layer by layer; shapes are checked as it goes.
///
///     var plan = PlanBuilder(input: Shape(3, 32, 32))
///     var x = try plan.convolution(PlanBuilder.input, "stem.convolution", outputs: 16, window: Window(3, padding: 1))
///     x = try plan.add(.batchNorm, "stem.norm", x)
public struct PlanBuilder {
    /// The value that holds the image.
    public static let input = NetworkPlan.input

    private let inputShape: Shape
    private var layers: [PlannedLayer] = []
    private var shapes: [Name: Shape]

    /// Starts with images of a shape.
    public init(input shape: Shape) {
        inputShape = shape
        shapes = [Self.input: shape]
    }

    /// The shape of a value that is there.
    public func shape(_ value: Name) -> Shape {
        guard let shape = shapes[value] else {
            preconditionFailure("nothing defines the value \(value)")
        }
        return shape
    }

    /// Appends a layer.
    ///
    /// - Returns: the name of its value.
    /// - Throws: `PlanError` where the name is taken, an input is not there, or the inputs do not fit the
    ///   layer.
    @discardableResult
    public mutating func add(
        _ layer: LayerPlan, _ name: Name, _ inputs: Name...
    ) throws(PlanError) -> Name {
        try add(layer, name, inputs: inputs)
    }

    /// Appends a layer of any number of inputs, as above.
    @discardableResult
    public mutating func add(
        _ layer: LayerPlan, _ name: Name, inputs: [Name]
    ) throws(PlanError) -> Name {
        guard shapes[name] == nil else {
            throw PlanError(
                "\(name): expected a name of its own, found a second value of this name")
        }
        var read: [Shape] = []
        for input in inputs {
            let shape = try defined(input, name)
            try shape.requireCountable(input)
            read.append(shape)
        }
        let shape = try layer.shape(of: read, name: name)
        try shape.requireCountable(name)
        layers.append(PlannedLayer(name: name, layer: layer, inputs: inputs, shape: shape))
        shapes[name] = shape
        return name
    }

    /// Appends a convolution without bias.
    public mutating func convolution(
        _ x: Name, _ name: Name, outputs: Int, window: Window, groups: Int = 1,
        weights: Weights = .real, padding: PaddingValue = .zero
    ) throws(PlanError) -> Name {
        let plan = ConvolutionPlan(
            outputs: outputs, window: window, groups: groups, weights: weights, padding: padding)
        return try add(.convolution(plan), name, x)
    }

    /// Appends an average pooling with windows side by side over all of an image, the last ones over what
    /// is left of it (PyTorch's `ceil_mode`): those reach into a padding that does not count. Every
    /// window begins inside of the image, which is what PyTorch asks of the last one too.
    public mutating func averagePoolRoundingUp(
        _ x: Name, _ name: Name, stride: Int
    ) throws(PlanError) -> Name {
        let shape = shape(x)
        var window = Window(stride, stride: stride)
        window.padBottom = (stride - shape.height % stride) % stride
        window.padRight = (stride - shape.width % stride) % stride
        let isWhole = window.padBottom == 0 && window.padRight == 0
        return try add(.averagePool(Pool(window: window, countsPadding: isWhole)), name, x)
    }

    /// Appends what ends most networks: the mean of each channel, `features`, and a real fully connected
    /// layer, `head`; and gives the plan.
    public mutating func ended(_ x: Name, classes: Int) throws(PlanError) -> NetworkPlan {
        let features = try add(.globalAveragePool, "features", x)
        let logits = try add(.linear(LinearPlan(outputs: classes)), "head", features)
        return try plan(features: features, output: logits)
    }

    /// The plan.
    ///
    /// Mutating, as `ended`, so that its arguments may still append layers.
    ///
    /// - Parameters:
    ///   - features: what the last fully connected layer reads.
    ///   - output: the logits.
    /// - Throws: `PlanError` where one of them is not there.
    public mutating func plan(features: Name, output: Name) throws(PlanError) -> NetworkPlan {
        _ = try defined(features, "the features")
        _ = try defined(output, "the output")
        return NetworkPlan(input: inputShape, layers: layers, features: features, output: output)
    }

    private func defined(_ value: Name, _ reader: Name) throws(PlanError) -> Shape {
        guard let shape = shapes[value] else {
            throw PlanError("\(reader): expected a value that is there, found \(value)")
        }
        return shape
    }
}

extension Window {
    /// The window whose output has `ceil(size / stride)` rows and columns: TensorFlow's "same", with the
    /// odd row and column of padding at the end.
    public static func same(_ size: Int, stride: Int, of input: Shape) -> Window {
        func padding(_ input: Int) -> (Int, Int) {
            let outputs = (input + stride - 1) / stride
            let total = max(0, (outputs - 1) * stride + size - input)
            return (total / 2, total - total / 2)
        }
        let (top, bottom) = padding(input.height)
        let (left, right) = padding(input.width)
        return Window(
            height: size, width: size, strideHeight: stride, strideWidth: stride, padTop: top,
            padBottom: bottom, padLeft: left, padRight: right)
    }
}
