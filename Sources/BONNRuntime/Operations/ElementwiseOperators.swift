import BONNModelFormat
import CBONNKernels

/// Batch norm in its inference form, on real or integer values.
struct BatchNormOperator: Operator {
    private let shape: Shape
    private let isInteger: Bool
    private let scale: ConstantBuffer<Float>
    private let shift: ConstantBuffer<Float>

    /// `scale` and `shift` are `[C]`.
    init(shape: Shape, isInteger: Bool, scale: [Float], shift: [Float]) {
        self.shape = shape
        self.isInteger = isInteger
        self.scale = ConstantBuffer(scale)
        self.shift = ConstantBuffer(shift)
    }

    var elements: Int { shape.count }
    var overwritableInputs: Range<Int> { 0..<1 }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = share.range(of: share.images * shape.height * shape.width)
        let first = pixels.lowerBound * shape.channels
        let output = memory.output(as: Float.self) + first
        if isInteger {
            memory.functions.pointee.affine_i32f32(
                memory.input(as: Int32.self) + first, scale.pointer, shift.pointer, output,
                pixels.count, shape.channels, shape.channels)
        } else {
            memory.functions.pointee.affine_f32(
                memory.input(as: Float.self) + first, scale.pointer, shift.pointer, output,
                pixels.count, shape.channels, shape.channels)
        }
    }
}

/// A parametric ReLU.
struct PReLUOperator: Operator {
    private let shape: Shape
    private let slope: ConstantBuffer<Float>

    /// `slope` is `[C]`.
    init(shape: Shape, slope: [Float]) {
        self.shape = shape
        self.slope = ConstantBuffer(slope)
    }

    var elements: Int { shape.count }
    var overwritableInputs: Range<Int> { 0..<1 }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = share.range(of: share.images * shape.height * shape.width)
        let first = pixels.lowerBound * shape.channels
        memory.functions.pointee.prelu(
            memory.input(as: Float.self) + first, slope.pointer,
            memory.output(as: Float.self) + first, pixels.count, shape.channels)
    }
}

/// ReLU or hardtanh.
struct ClampOperator: Operator {
    /// Which of the two.
    enum Kind {
        case relu
        case hardtanh
    }

    private let shape: Shape
    private let kind: Kind

    init(shape: Shape, kind: Kind) {
        self.shape = shape
        self.kind = kind
    }

    var elements: Int { shape.count }
    var overwritableInputs: Range<Int> { 0..<1 }

    func execute(_ memory: StepMemory, _ share: Share) {
        let range = share.range(of: share.images * shape.count)
        let input = memory.input(as: Float.self) + range.lowerBound
        let output = memory.output(as: Float.self) + range.lowerBound
        switch kind {
        case .relu: memory.functions.pointee.relu(input, output, range.count)
        case .hardtanh: memory.functions.pointee.hardtanh(input, output, range.count)
        }
    }
}

/// The sum of two real values.
struct AddOperator: Operator {
    private let shape: Shape

    init(shape: Shape) { self.shape = shape }

    var elements: Int { shape.count }
    var overwritableInputs: Range<Int> { 0..<2 }

    func execute(_ memory: StepMemory, _ share: Share) {
        let range = share.range(of: share.images * shape.count)
        memory.functions.pointee.add(
            memory.input(0, as: Float.self) + range.lowerBound,
            memory.input(1, as: Float.self) + range.lowerBound,
            memory.output(as: Float.self) + range.lowerBound, range.count)
    }
}
