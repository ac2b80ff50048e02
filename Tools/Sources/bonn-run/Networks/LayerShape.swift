import BONNModelFormat
import BONNRuntime

/// One 3x3 binary convolution of stride 1, as `CxHxW` or `CxHxWxK`.
struct LayerShape {
    /// What was typed.
    let text: String
    private let input: Shape
    private let outputs: Int

    /// The most words of packed weights.
    private static let mostWords = 1 << 24

    /// Reads `CxHxW` (as many outputs as inputs) or `CxHxWxK`.
    ///
    /// - Returns: nil where the text is neither, or is of a size that no model file may have.
    init?(_ text: String) {
        let fields = text.split(separator: "x", omittingEmptySubsequences: false)
        let numbers = fields.compactMap { Int($0) }
        guard fields.count == 3 || fields.count == 4, numbers.count == fields.count,
            numbers.allSatisfy({ (1...FormatLimits.side).contains($0) })
        else { return nil }
        self.text = text
        input = Shape(numbers[0], numbers[1], numbers[2])
        outputs = numbers.count == 4 ? numbers[3] : numbers[0]
        let words = 9 * outputs * BitLayout.words(forChannels: input.channels)
        guard input.count <= FormatLimits.elements,
            outputs * input.height * input.width <= FormatLimits.elements, words <= Self.mostWords
        else { return nil }
    }

    /// A network that holds little but the layer.
    func model() throws -> Model {
        var builder = NetworkBuilder(input: input)
        let sums = try builder.binaryConvolution("input", text, outputs: outputs)
        let means = builder.globalAveragePool(sums, "mean")
        return try builder.model(output: means)
    }
}
