import BONNModelFormat
import CBONNKernels

/// Rounding of real values to signed bytes.
struct QuantizeOperator: Operator {
    private let shape: Shape
    private let inverseScale: Float

    /// - Parameters:
    ///   - shape: of one image's value.
    ///   - inverseScale: what the values are multiplied by.
    init(shape: Shape, inverseScale: Float) {
        self.shape = shape
        self.inverseScale = inverseScale
    }

    var elements: Int { shape.count }

    func execute(_ memory: StepMemory, _ share: Share) {
        let part = share.range(of: share.images * shape.count)
        memory.functions.pointee.quantize(
            memory.input(as: Float.self) + part.lowerBound, inverseScale,
            memory.output(as: Int8.self) + part.lowerBound, part.count)
    }
}
