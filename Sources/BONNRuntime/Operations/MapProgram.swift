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
        case prelu(slope: ConstantBuffer<Float>)
        case relu
        case hardtanh
    }

    /// The operations in order.
    var steps: [Step] = []
    /// The comparison of the last value, or nil.
    var threshold: ThresholdConstants?
    /// Whether the last value itself is an output.
    var writesValues = true

    /// The steps' inputs that a program may overwrite: element i is read before it is written.
    var operands: [Int] {
        steps.compactMap { if case .add(let input) = $0 { input } else { nil } }
    }

    /// How often each value is touched.
    var length: Int { steps.count + 1 }

    /// Where a run of values comes from.
    enum Source {
        case real(UnsafePointer<Float>)
        case integer(UnsafePointer<Int32>)
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
        let first = pixels.lowerBound * valueChannels + channels.lowerBound
        withUnsafeTemporaryAllocation(of: bonn_map_step.self, capacity: max(steps.count, 1)) {
            buffer in
            for (index, step) in steps.enumerated() {
                buffer.initializeElement(
                    at: index,
                    to: step.parameters(channel: channels.lowerBound, first: first, memory: memory))
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
    /// The step for channels from `channel` on.
    ///
    /// - Parameter first: the index of the first value among all values of an operand.
    fileprivate func parameters(
        channel: Int, first: Int, memory: StepMemory
    ) -> bonn_map_step {
        switch self {
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
        case .prelu(let slope):
            bonn_map_step(
                operation: BONN_MAP_PRELU, first: slope.pointer + channel, second: nil,
                operand: nil)
        case .relu:
            bonn_map_step(operation: BONN_MAP_RELU, first: nil, second: nil, operand: nil)
        case .hardtanh:
            bonn_map_step(operation: BONN_MAP_HARDTANH, first: nil, second: nil, operand: nil)
        }
    }
}
