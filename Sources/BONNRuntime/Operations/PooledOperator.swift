import BONNModelFormat
import CBONNKernels

/// A real convolution, the program behind it, and a pooling of its values, which are never stored as a
/// whole: some rows are computed, pooled while they are in the cache, and forgotten.
///
/// Rows that two windows share are kept from one round to the next. Where the work is divided, both
/// parts compute those at their border.
struct PooledOperator<Producer: RowProducer>: Operator {
    private let producer: Producer
    private let program: MapProgram?
    private let pooling: PoolingOperator
    private let pooledProgram: MapProgram?
    /// Pooled rows of a round, and rows under them.
    private let round: Int
    private let rowsOfRound: Int

    /// - Parameters:
    ///   - program: what is done with the producer's values; adds no other value.
    ///   - pooling: of the producer's shape.
    ///   - pooledProgram: what is done with the pooled values, which it also writes.
    ///   - windowBytes: about how many bytes of rows there are at a time, so that they stay in a
    ///     second-level cache.
    init(
        _ producer: Producer, program: MapProgram?, pooling: PoolingOperator,
        pooledProgram: MapProgram?, windowBytes: Int = 150_000
    ) {
        precondition(
            program?.operands.isEmpty ?? true, "values of other steps are not there by rows")
        self.producer = producer
        self.program = program
        self.pooling = pooling
        self.pooledProgram = pooledProgram
        let rowBytes = 4 * producer.shape.width * producer.shape.channels
        var round = 1
        while round < pooling.shape.height,
            pooling.inputRows(under: round + 1) * rowBytes <= windowBytes
        {
            round += 1
        }
        self.round = round
        rowsOfRound = min(pooling.inputRows(under: round), producer.shape.height)
    }

    var realMACs: Int { producer.realMACs }

    var elements: Int { producer.elements + pooling.elements }

    var work: Int {
        // Every part computes the rows at its border once more; a part is at least a row.
        saturatingSum(
            saturatingProduct(2, producer.work), pooling.work,
            saturatingProduct(8, producer.shape.count, program?.length ?? 1),
            saturatingProduct(8, pooling.shape.count, pooledProgram?.length ?? 1))
    }

    var scratchBytesPerThread: Int {
        producerScratch + 4 * rowsOfRound * producer.shape.width * producer.shape.channels
    }

    private var producerScratch: Int { AlignedMemory.rounded(producer.scratchBytesPerThread) }

    func execute(_ memory: StepMemory, _ share: Share) {
        let height = pooling.shape.height
        let rows = share.rows(of: share.images * height)
        let window = (memory.base + memory.scratch + producerScratch)
            .assumingMemoryBound(to: Float.self)
        let rowElements = producer.shape.width * producer.shape.channels
        // The producer's rows that the window holds, counted over all images.
        var held = 0..<0
        var row = rows.begin
        while row < rows.end {
            let end = min(row + round, rows.end, (row / height + 1) * height)
            let needed = pooling.inputRows(under: row..<end)
            let kept = needed.clamped(to: held)
            if !kept.isEmpty && kept.lowerBound > held.lowerBound {
                let from = window + (kept.lowerBound - held.lowerBound) * rowElements
                window.update(from: from, count: kept.count * rowElements)
            }
            held = needed
            let new = (kept.isEmpty ? needed.lowerBound : kept.upperBound)..<needed.upperBound
            var place = memory.rows
            place.output = window
            place.outputRow = needed.lowerBound
            producer.compute(
                place, rows: new, blocks: bonn_range(begin: 0, end: producer.blocks),
                then: program, memory)
            place = memory.rows
            place.input = UnsafeRawPointer(window)
            place.inputRow = needed.lowerBound
            pooling.compute(
                place, rows: row..<end, blocks: bonn_range(begin: 0, end: pooling.blocks),
                then: pooledProgram, memory)
            row = end
        }
    }
}
