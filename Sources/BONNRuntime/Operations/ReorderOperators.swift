import BONNModelFormat
import CBONNKernels

/// Joins values along their channels.
struct ConcatenateOperator: Operator {
    private let shape: Shape
    private let channels: [Int]
    private let isBits: Bool

    /// `channels` are those of the inputs, in order; their sum is that of `shape`.
    init(shape: Shape, channels: [Int], isBits: Bool) {
        self.shape = shape
        self.channels = channels
        self.isBits = isBits
    }

    var elements: Int { shape.count }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = share.range(of: share.images * shape.height * shape.width)
        if isBits {
            joinBits(memory, pixels)
        } else {
            joinElements(memory, pixels)
        }
    }

    private func joinElements(_ memory: StepMemory, _ pixels: Range<Int>) {
        var output = memory.output(as: UInt32.self) + pixels.lowerBound * shape.channels
        for (index, count) in channels.enumerated() {
            memory.functions.pointee.copy_u32(
                memory.input(index, as: UInt32.self) + pixels.lowerBound * count, count, output,
                shape.channels, count, pixels.count)
            output += count
        }
    }

    private func joinBits(_ memory: StepMemory, _ pixels: Range<Int>) {
        let words = BitLayout.words(forChannels: shape.channels)
        let output = memory.output(as: UInt64.self) + pixels.lowerBound * words
        output.update(repeating: 0, count: pixels.count * words)
        var first = 0
        for (index, count) in channels.enumerated() {
            let inputWords = BitLayout.words(forChannels: count)
            var run = bonn_bit_run(
                bits: count, from_bit: 0, from_words: inputWords, to_bit: first, to_words: words)
            memory.functions.pointee.copy_b1(
                &run, memory.input(index, as: UInt64.self) + pixels.lowerBound * inputWords,
                output, pixels.count)
            first += count
        }
    }
}

/// Gives every group of channels words of its own, so that a grouped binary convolution can read
/// them when the groups do not end with a word.
struct RegroupOperator: Operator {
    private let shape: Shape
    private let groups: Int

    init(shape: Shape, groups: Int) {
        self.shape = shape
        self.groups = groups
    }

    /// Words of one pixel after the operation.
    var pixelWords: Int { groups * BitLayout.words(forChannels: shape.channels / groups) }

    var elements: Int { shape.count / 8 }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = share.range(of: share.images * shape.height * shape.width)
        let fromWords = BitLayout.words(forChannels: shape.channels)
        let channels = shape.channels / groups
        let input = memory.input(as: UInt64.self) + pixels.lowerBound * fromWords
        let output = memory.output(as: UInt64.self) + pixels.lowerBound * pixelWords
        output.update(repeating: 0, count: pixels.count * pixelWords)
        for group in 0..<groups {
            var run = bonn_bit_run(
                bits: channels, from_bit: group * channels, from_words: fromWords,
                to_bit: group * (pixelWords / groups) * BitLayout.wordBits, to_words: pixelWords)
            memory.functions.pointee.copy_b1(&run, input, output, pixels.count)
        }
    }
}

/// `[C, H, W]` to `[C * H * W, 1, 1]`, in the order C, H, W.
struct FlattenOperator: Operator {
    private let shape: Shape
    private let isBits: Bool

    init(shape: Shape, isBits: Bool) {
        self.shape = shape
        self.isBits = isBits
    }

    var elements: Int { shape.count }

    func execute(_ memory: StepMemory, _ share: Share) {
        let pixels = shape.height * shape.width
        for image in share.range(of: share.images) {
            if isBits {
                let fromWords = pixels * BitLayout.words(forChannels: shape.channels)
                let toWords = BitLayout.words(forChannels: shape.count)
                let output = memory.output(as: UInt64.self) + image * toWords
                output.update(repeating: 0, count: toWords)
                memory.functions.pointee.flatten_b1(
                    memory.input(as: UInt64.self) + image * fromWords, output, pixels,
                    shape.channels)
            } else {
                memory.functions.pointee.transpose_u32(
                    memory.input(as: UInt32.self) + image * shape.count, shape.channels,
                    memory.output(as: UInt32.self) + image * shape.count, pixels, shape.channels)
            }
        }
    }
}
