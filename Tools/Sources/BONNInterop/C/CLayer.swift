import BONNModelFormat

/// A window over an input and the size of its result: `bonn_layer` of `bonn_arithmetic.h`.
struct CLayer: Hashable {
    /// The fields in the order of the C structure.
    let numbers: [Int]

    /// A convolution or a pooling.
    init(_ window: Window, _ input: Shape, _ output: Shape, groups: Int = 1) {
        numbers = [
            input.channels, input.height, input.width,
            output.channels, output.height, output.width,
            window.height, window.width,
            window.strideHeight, window.strideWidth,
            window.padTop, window.padLeft,
            window.dilationHeight, window.dilationWidth,
            groups,
        ]
    }

    /// The whole of an input as one window.
    init(wholeOf input: Shape) {
        let window = Window(
            height: input.height, width: input.width, strideHeight: 1, strideWidth: 1, padTop: 0,
            padBottom: 0, padLeft: 0, padRight: 0)
        self.init(window, input, Shape(input.channels, 1, 1))
    }
}
