import BONNModelFormat

// Which layers the CPU plugin has kernels of bits for.
extension OpenVINOLowering {
    /// Whether a node becomes a `BinaryConvolution`; other binary layers are written as real convolutions.
    ///
    /// The plugin has kernels for signs and one group. They read wrong bits where the channels do not fill bytes.
    func isCompiled(_ node: Node) -> Bool {
        let input = types[node.inputs[0]]!
        guard input.element == .signedBits, input.shape.channels % 8 == 0 else { return false }
        switch node.operation {
        case .binaryLinear: return true
        case .binaryConvolution(let layer):
            return layer.groups == 1
                && Self.canReadBorder(layer.window, input.shape, outputs: types[node.name]!.shape)
        default: return false
        }
    }

    /// Whether the border is narrow enough: the plugin refuses a graph, with the message "unsupported
    /// parameters", where the padding of a row exceeds the outputs that a kernel computes side by side, 2 or 4
    /// by instruction set and never more than there are.
    private static func canReadBorder(_ window: Window, _ input: Shape, outputs: Shape) -> Bool {
        let isStrided = window.strideHeight > 1 || window.strideWidth > 1
        guard window.width <= 7 || !isStrided || window.padTop + window.padLeft == 0 else {
            return false
        }
        return [2, 4].allSatisfy { unrolled in
            let unrolled = min(unrolled, outputs.width)
            let lastWhole = outputs.width - outputs.width % unrolled - 1
            let end = lastWhole * window.strideWidth + (window.width - 1) * window.dilationWidth
            return window.padLeft <= unrolled
                && end - (input.width + window.padLeft - 1) <= unrolled
        }
    }
}
