import BONNModelFormat
import CBONNKernels

/// A program on a value that another step has left in memory.
struct MapOperator: Operator {
    private let shape: Shape
    private let isInteger: Bool
    private let program: MapProgram

    /// - Parameters:
    ///   - shape: of one image's value.
    ///   - isInteger: whether the value holds integers.
    init(shape: Shape, isInteger: Bool, program: MapProgram) {
        self.shape = shape
        self.isInteger = isInteger
        self.program = program
    }

    var elements: Int { shape.count }
    var work: Int { saturatingProduct(8, elements, program.length) }
    var overwritableInputs: [Int] { program.writesValues ? [0] + program.overwritableOperands : [] }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = share.range(of: share.images * shape.height * shape.width)
        let first = pixels.lowerBound * shape.channels
        let source: MapProgram.Source =
            isInteger
            ? .integer(memory.input(as: Int32.self) + first)
            : .real(memory.input(as: Float.self) + first)
        program.run(
            source, stride: shape.channels, memory: memory, pixels: pixels,
            channels: 0..<shape.channels, of: shape.channels)
    }
}
