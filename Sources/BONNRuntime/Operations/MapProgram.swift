import BONNModelFormat
import CBONNKernels

/// A chain of element-wise operations, run in one pass over `[pixel][channel]`, and at its end a
/// comparison with thresholds. What a batch norm, a shortcut, an activation and the next sign
/// do to the sums of a convolution is one program.
struct MapProgram: Sendable {
    /// One operation on every value of a channel.
    enum Step: Sendable {
        /// `fl(fl(v * scale[c]) + shift[c])`.
        case affine(scale: ConstantBuffer<Float>, shift: ConstantBuffer<Float>)
        /// `fl(v * scale[c])`.
        case scale(ConstantBuffer<Float>)
        /// Plus the input of the step with this index.
        case add(input: Int)
        /// Times the input of the step with this index.
        case multiply(input: Int)
        /// Times a number a pixel, which that input holds.
        case multiplyPixels(input: Int)
        /// Times a number a channel, which that input holds for each image of so many pixels.
        case multiplyChannels(input: Int, imagePixels: Int)
        case prelu(slope: ConstantBuffer<Float>)
        case relu
        case hardtanh
        case sigmoid
    }

    /// The operations in order.
    let steps: [Step]
    /// The comparison of the last value, or nil.
    var threshold: ThresholdConstants?
    /// Whether the last value itself is an output.
    var writesValues = true

    /// Pixels of an image, where a step has numbers of its own for each; else nil.
    private let imagePixels: Int?

    init(
        steps: [Step] = [], threshold: ThresholdConstants? = nil, writesValues: Bool = true
    ) {
        self.steps = steps
        self.threshold = threshold
        self.writesValues = writesValues
        imagePixels = steps.lazy.compactMap(\.imagePixels).first
    }

    /// The inputs that the steps read besides the first value.
    var operands: [Int] { steps.compactMap { $0.operand?.input } }

    /// Those that a program may overwrite: element i is read before it is written.
    var overwritableOperands: [Int] {
        steps.compactMap { step in
            step.operand.flatMap { $0.isOverwritable ? $0.input : nil }
        }
    }

    /// How often each value is touched.
    var length: Int { steps.count + 1 }

    /// Where a run of values comes from.
    enum Source {
        case real(UnsafePointer<Float>)
        case integer(UnsafePointer<Int32>)

        fileprivate func advanced(by elements: Int) -> Source {
            switch self {
            case .real(let pointer): .real(pointer + elements)
            case .integer(let pointer): .integer(pointer + elements)
            }
        }
    }

    /// Runs the program.
    ///
    /// - Parameters:
    ///   - source: the first value; pixels are `stride` elements apart.
    ///   - memory: the step's operands and outputs, the real values first.
    ///   - pixels: of all images.
    ///   - channels: starts at a multiple of 64.
    ///   - valueChannels: how many channels a pixel has.
    ///   - destination: where the first value goes; nil: to its place in the first output.
    func run(
        _ source: Source, stride: Int, memory: StepMemory, pixels: Range<Int>,
        channels: Range<Int>, of valueChannels: Int,
        into destination: UnsafeMutablePointer<Float>? = nil
    ) {
        guard let imagePixels else {
            runWithinImage(
                source, stride: stride, memory: memory, pixels: pixels, channels: channels,
                of: valueChannels, into: destination)
            return
        }
        var begin = pixels.lowerBound
        while begin < pixels.upperBound {
            let end = min(pixels.upperBound, (begin / imagePixels + 1) * imagePixels)
            let done = begin - pixels.lowerBound
            runWithinImage(
                source.advanced(by: done * stride), stride: stride, memory: memory,
                pixels: begin..<end, channels: channels, of: valueChannels,
                into: destination.map { $0 + done * valueChannels })
            begin = end
        }
    }

    /// As `run`; the pixels are of one image where a step has numbers for each.
    private func runWithinImage(
        _ source: Source, stride: Int, memory: StepMemory, pixels: Range<Int>,
        channels: Range<Int>, of valueChannels: Int, into destination: UnsafeMutablePointer<Float>?
    ) {
        let first = pixels.lowerBound * valueChannels + channels.lowerBound
        withUnsafeTemporaryAllocation(of: bonn_map_step.self, capacity: max(steps.count, 1)) {
            buffer in
            for (index, step) in steps.enumerated() {
                buffer.initializeElement(
                    at: index,
                    to: step.parameters(
                        channel: channels.lowerBound, pixel: pixels.lowerBound, of: valueChannels,
                        memory: memory))
            }
            let values =
                writesValues ? destination ?? memory.output(0, as: Float.self) + first : nil
            var map = bonn_map(
                channels: channels.count, steps: UnsafePointer(buffer.baseAddress!),
                count: steps.count, threshold: nil)
            guard let threshold else {
                call(memory, &map, source, stride, values, valueChannels, nil, 0, pixels.count)
                return
            }
            let stride64 = BitLayout.words(forChannels: valueChannels) * 8
            let bits =
                memory.output(writesValues ? 1 : 0, as: UInt8.self)
                + pixels.lowerBound * stride64 + channels.lowerBound / 8
            withUnsafePointer(to: threshold.parameters(channels)) { pointer in
                map.threshold = pointer
                call(
                    memory, &map, source, stride, values, valueChannels, bits, stride64,
                    pixels.count)
            }
        }
    }

    private func call(
        _ memory: StepMemory, _ map: inout bonn_map, _ source: Source, _ stride: Int,
        _ values: UnsafeMutablePointer<Float>?, _ valueStride: Int,
        _ bits: UnsafeMutablePointer<UInt8>?, _ bitStride: Int, _ pixels: Int
    ) {
        switch source {
        case .real(let pointer):
            memory.functions.pointee.map_f32(
                &map, pointer, stride, values, valueStride, bits, bitStride, pixels)
        case .integer(let pointer):
            memory.functions.pointee.map_i32(
                &map, pointer, stride, values, valueStride, bits, bitStride, pixels)
        }
    }
}

extension MapProgram.Step {
    /// The input that the step reads, and whether the program's values may take its place: only where each
    /// element of it is read once.
    fileprivate var operand: (input: Int, isOverwritable: Bool)? {
        switch self {
        case .add(let input), .multiply(let input): (input, true)
        case .multiplyPixels(let input), .multiplyChannels(let input, _): (input, false)
        case .affine, .scale, .prelu, .relu, .hardtanh, .sigmoid: nil
        }
    }

    /// Pixels of an image, where the step has numbers of its own for each.
    fileprivate var imagePixels: Int? {
        if case .multiplyChannels(_, let pixels) = self { pixels } else { nil }
    }

    /// The step for values from a pixel, counted over all images, and a channel on.
    ///
    /// - Parameter valueChannels: how many channels a pixel has.
    fileprivate func parameters(
        channel: Int, pixel: Int, of valueChannels: Int, memory: StepMemory
    ) -> bonn_map_step {
        let first = pixel * valueChannels + channel
        return switch self {
        case .affine(let scale, let shift):
            bonn_map_step(
                operation: BONN_MAP_AFFINE, first: scale.pointer + channel,
                second: shift.pointer + channel, operand: nil)
        case .scale(let scale):
            bonn_map_step(
                operation: BONN_MAP_SCALE, first: scale.pointer + channel, second: nil,
                operand: nil)
        case .add(let input):
            bonn_map_step(
                operation: BONN_MAP_ADD, first: nil, second: nil,
                operand: memory.input(input, as: Float.self) + first)
        case .multiply(let input):
            bonn_map_step(
                operation: BONN_MAP_MULTIPLY, first: nil, second: nil,
                operand: memory.input(input, as: Float.self) + first)
        case .multiplyPixels(let input):
            bonn_map_step(
                operation: BONN_MAP_MULTIPLY_PIXELS, first: nil, second: nil,
                operand: memory.input(input, as: Float.self) + pixel)
        case .multiplyChannels(let input, let imagePixels):
            bonn_map_step(
                operation: BONN_MAP_SCALE,
                first: memory.input(input, as: Float.self) + pixel / imagePixels * valueChannels
                    + channel,
                second: nil, operand: nil)
        case .prelu(let slope):
            bonn_map_step(
                operation: BONN_MAP_PRELU, first: slope.pointer + channel, second: nil,
                operand: nil)
        case .relu:
            bonn_map_step(operation: BONN_MAP_RELU, first: nil, second: nil, operand: nil)
        case .hardtanh:
            bonn_map_step(operation: BONN_MAP_HARDTANH, first: nil, second: nil, operand: nil)
        case .sigmoid:
            bonn_map_step(operation: BONN_MAP_SIGMOID, first: nil, second: nil, operand: nil)
        }
    }
}
