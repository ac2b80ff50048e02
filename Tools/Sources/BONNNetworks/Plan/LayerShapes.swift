import BONNModelFormat

/// The shapes of a plan's values.
extension LayerPlan {
    /// The shape of what the layer makes of its inputs.
    ///
    /// - Throws: `PlanError` that names the layer.
    func shape(of inputs: [Shape], name: Name) throws(PlanError) -> Shape {
        try requireCount(inputs.count, name)
        let input = inputs[0]
        switch self {
        case .convolution(let plan):
            return try plan.shape(of: input, name)
        case .linear(let plan):
            guard input.height == 1, input.width == 1 else {
                throw PlanError("\(name): expected [C, 1, 1] to read, found \(input.text)")
            }
            try requireOutputs(plan.outputs, name)
            guard plan.weights != .binomial else {
                throw PlanError("\(name): expected learned weights, found those of a blur")
            }
            return Shape(plan.outputs, 1, 1)
        case .quantize, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu, .absolute,
            .stopGradient:
            return input
        case .dropout(let probability):
            guard probability >= 0, probability < 1 else {
                throw PlanError(
                    "\(name): expected a probability from 0 up to below 1, found \(probability)")
            }
            return input
        case .maxPool(let pool):
            let shape = try windowed(pool.window, input, channels: input.channels, name)
            try pool.window.requirePooling(name, sameOnAllSides: true)
            return shape
        case .averagePool(let pool):
            let shape = try windowed(pool.window, input, channels: input.channels, name)
            try pool.window.requirePooling(name, sameOnAllSides: !pool.covers(input))
            return shape
        case .globalAveragePool:
            return Shape(input.channels, 1, 1)
        case .add:
            guard inputs[1] == input else {
                throw PlanError(
                    "\(name): expected two values of one shape, found \(input.text) and "
                        + inputs[1].text)
            }
            return input
        case .multiply:
            let factors = [
                input, Shape(input.channels, 1, 1), Shape(1, input.height, input.width),
            ]
            guard factors.contains(inputs[1]) else {
                throw PlanError(
                    "\(name): expected a factor of one of the shapes "
                        + factors.map(\.text).joined(separator: ", ") + ", found "
                        + inputs[1].text)
            }
            return input
        case .concatenate:
            guard inputs.allSatisfy({ ($0.height, $0.width) == (input.height, input.width) })
            else {
                throw PlanError(
                    "\(name): expected values of one height and width, found "
                        + inputs.map(\.text).joined(separator: ", "))
            }
            return Shape(inputs.reduce(0) { $0 + $1.channels }, input.height, input.width)
        case .flatten:
            return Shape(input.count, 1, 1)
        }
    }

    private func requireCount(_ count: Int, _ name: Name) throws(PlanError) {
        let (fits, expected): (Bool, String)
        switch self {
        case .add, .multiply: (fits, expected) = (count == 2, "2 values")
        case .concatenate: (fits, expected) = (count >= 2, "2 or more values")
        case .convolution, .linear, .quantize, .batchNorm, .bias, .scale, .relu, .hardtanh, .prelu,
            .absolute, .stopGradient, .maxPool, .averagePool, .globalAveragePool, .flatten,
            .dropout:
            (fits, expected) = (count == 1, "1 value")
        }
        guard fits else {
            throw PlanError("\(name): expected \(expected) to read, found \(count)")
        }
    }
}

extension ConvolutionPlan {
    fileprivate func shape(of input: Shape, _ name: Name) throws(PlanError) -> Shape {
        try requireOutputs(outputs, name)
        guard groups > 0, input.channels % groups == 0, outputs % groups == 0 else {
            throw PlanError(
                "\(name): expected groups that divide \(input.channels) input channels and "
                    + "\(outputs) outputs, found \(groups)")
        }
        guard padding == .zero || weights == .quantized else {
            throw PlanError(
                "\(name): expected a padding of zeros in front of real weights, found "
                    + padding.rawValue)
        }
        if weights == .binomial {
            guard groups == input.channels, outputs == groups, window.height == 3, window.width == 3
            else {
                throw PlanError(
                    "\(name): expected a blur of 3x3 with one channel a group, found "
                        + "\(window.height)x\(window.width) with \(input.channels / groups)")
            }
        }
        let shape = try windowed(window, input, channels: outputs, name)
        try window.requireOneStep(name)
        return shape
    }
}

private func requireOutputs(_ outputs: Int, _ name: Name) throws(PlanError) {
    guard outputs > 0 else {
        throw PlanError("\(name): expected at least 1 output, found \(outputs)")
    }
}

/// What a window slides over a value to make.
private func windowed(
    _ window: Window, _ input: Shape, channels: Int, _ name: Name
) throws(PlanError) -> Shape {
    do {
        let size = try window.outputSize(of: input, place: "layer \(name)")
        return Shape(channels, size.height, size.width)
    } catch {
        throw PlanError(error.message)
    }
}

extension Shape {
    /// As messages show it.
    var text: String { "[\(channels), \(height), \(width)]" }
}
