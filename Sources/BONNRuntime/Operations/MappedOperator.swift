import BONNModelFormat
import CBONNKernels

/// An operation that makes real values row by row, such as a convolution or a pooling.
protocol RowProducer: Sendable {
    /// Of the output of one image.
    var shape: Shape { get }
    /// Multiply-accumulates over real numbers for one image.
    var realMACs: Int { get }
    /// Elements that are read or written for one image, apart from the sums.
    var elements: Int { get }
    /// Steps for one image, without a program's.
    var work: Int { get }
    /// Bytes that one thread needs while the operation runs.
    var scratchBytesPerThread: Int { get }
    /// The blocks of output channels among which the work can be divided.
    var blocks: Int { get }

    /// The output channels of a range of blocks.
    func channels(of range: bonn_range) -> Range<Int>
    /// Computes rows, counted over all images, of blocks.
    func compute(_ memory: RowMemory, rows: bonn_range, blocks: bonn_range)
}

/// Where a producer of rows reads and writes.
struct RowMemory {
    /// The kernels to call.
    let functions: UnsafePointer<bonn_kernel_set>
    /// The first element of the input.
    var input: UnsafeRawPointer
    /// The row, counted over all images, that the input starts with.
    var inputRow = 0
    /// The first element of the output.
    var output: UnsafeMutablePointer<Float>
    /// The row, counted over all images, that the output starts with.
    var outputRow = 0
    /// Scratch memory of this part.
    let scratch: UnsafeMutableRawPointer
}

extension StepMemory {
    /// The memory of a producer that reads the first input and writes the first output.
    var rows: RowMemory {
        RowMemory(
            functions: functions, input: input(as: UInt8.self), output: output(0, as: Float.self),
            scratch: base + scratch)
    }
}

extension RowProducer {
    var realMACs: Int { 0 }
    var scratchBytesPerThread: Int { 0 }
    var blocks: Int { 1 }
    func channels(of range: bonn_range) -> Range<Int> { 0..<shape.channels }

    /// Computes rows of blocks, and runs a program on their values while they are in the cache.
    func compute(
        _ place: RowMemory, rows: Range<Int>, blocks: bonn_range, then program: MapProgram?,
        _ memory: StepMemory
    ) {
        compute(
            place, rows: bonn_range(begin: rows.lowerBound, end: rows.upperBound), blocks: blocks)
        let pixels = rows.lowerBound * shape.width..<rows.upperBound * shape.width
        let channels = channels(of: blocks)
        let first =
            place.output + (rows.lowerBound - place.outputRow) * shape.width * shape.channels
            + channels.lowerBound
        program?.run(
            .real(first), stride: shape.channels, memory: memory, pixels: pixels,
            channels: channels, of: shape.channels, into: first)
    }
}

/// A producer of real values and the program that runs on them while they are in the cache.
///
/// The values are made in the memory of the output, so that no input can be overwritten there.
struct MappedOperator<Producer: RowProducer>: Operator {
    /// About how many bytes of values stay in a cache between the two. Fewer would save little more,
    /// and a 1x1 convolution of a small image streams all its weights once a chunk.
    private static var chunkBytes: Int { 65_536 }

    private let producer: Producer
    private let program: MapProgram?

    init(_ producer: Producer, program: MapProgram?) {
        self.producer = producer
        self.program = program
    }

    var realMACs: Int { producer.realMACs }
    var elements: Int { producer.elements }
    var work: Int {
        saturatingSum(
            producer.work, saturatingProduct(8, producer.shape.count, program?.length ?? 1))
    }
    var scratchBytesPerThread: Int { producer.scratchBytesPerThread }

    func execute(_ memory: StepMemory, _ share: Share) {
        let shape = producer.shape
        let part = share.grid(rows: share.images * shape.height, columns: producer.blocks)
        let channels = producer.channels(of: part.columns).count
        // More parts than blocks leave some without any.
        guard channels > 0 else { return }
        // Without a program nothing is gained by stopping in between.
        let chunk =
            program == nil
            ? part.rows.end - part.rows.begin
            : max(1, Self.chunkBytes / (4 * shape.width * channels))
        var row = part.rows.begin
        while row < part.rows.end {
            let end = min(row + chunk, part.rows.end)
            producer.compute(
                memory.rows, rows: row..<end, blocks: part.columns, then: program, memory)
            row = end
        }
    }
}
