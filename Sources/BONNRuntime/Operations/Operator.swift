import CBONNKernels

/// One operation of a loaded model: its packed constants, and how to execute it.
protocol Operator: Sendable {
    /// Multiply-accumulates over +-1 for one image.
    var binaryMACs: Int { get }
    /// Multiply-accumulates over real numbers for one image.
    var realMACs: Int { get }
    /// Elements that are read or written for one image, apart from the sums.
    var elements: Int { get }
    /// Steps for one image as `ResourceLimits.work` counts them, absent lanes included.
    var work: Int { get }
    /// Bytes that one thread needs while the operation runs.
    var scratchBytesPerThread: Int { get }
    /// The inputs over which the operation may write its first output when nobody reads them later.
    var overwritableInputs: [Int] { get }

    /// Executes one part of the work. The parts together compute every output exactly once, and
    /// no part reads what another one writes.
    func execute(_ memory: StepMemory, _ share: Share)
}

extension Operator {
    var binaryMACs: Int { 0 }
    var realMACs: Int { 0 }
    var scratchBytesPerThread: Int { 0 }
    var overwritableInputs: [Int] { [] }
    var work: Int { saturatingProduct(8, elements) }

    /// About how many nanoseconds one image takes on one thread: what more threads are worth.
    var cost: Int { elements / 4 + realMACs / 48 + binaryMACs / 640 }
}

/// Where a step finds its values in the arena.
struct StepMemory {
    /// The kernels to call.
    let functions: UnsafePointer<bonn_kernel_set>
    /// The arena.
    let base: UnsafeMutableRawPointer
    /// Byte offsets of the inputs.
    let inputs: [Int]
    /// Byte offsets of the outputs.
    let outputs: [Int]
    /// Byte offset of the scratch memory of this part.
    let scratch: Int

    /// The elements of an input.
    func input<Element>(_ index: Int = 0, as: Element.Type) -> UnsafePointer<Element> {
        UnsafePointer((base + inputs[index]).assumingMemoryBound(to: Element.self))
    }

    /// The elements of an output.
    func output<Element>(_ index: Int = 0, as: Element.Type) -> UnsafeMutablePointer<Element> {
        (base + outputs[index]).assumingMemoryBound(to: Element.self)
    }
}

/// Which part of the work of a step to do.
struct Share {
    /// Images of this run.
    let images: Int
    /// 0 ..< parts.
    let part: Int
    /// How many parts there are.
    let parts: Int

    /// This part of `count` equal items.
    func range(of count: Int) -> Range<Int> {
        count * part / parts..<count * (part + 1) / parts
    }

    /// This part of a grid of rows and columns, divided along the side that divides more evenly.
    func grid(rows: Int, columns: Int) -> (rows: bonn_range, columns: bonn_range) {
        let allRows = bonn_range(begin: 0, end: rows)
        let allColumns = bonn_range(begin: 0, end: columns)
        // The largest part decides how long all take: compare ceil(rows / parts) / rows.
        let byRows = (rows + parts - 1) / parts * columns
        let byColumns = (columns + parts - 1) / parts * rows
        if byRows <= byColumns {
            let range = range(of: rows)
            return (bonn_range(begin: range.lowerBound, end: range.upperBound), allColumns)
        }
        let range = range(of: columns)
        return (allRows, bonn_range(begin: range.lowerBound, end: range.upperBound))
    }

    /// This part of `count` rows, for the kernels.
    func rows(of count: Int) -> bonn_range {
        let range = range(of: count)
        return bonn_range(begin: range.lowerBound, end: range.upperBound)
    }
}
