import BONNModelFormat

/// Which bytes of the arena hold each value of a model, for a number of images and threads.
struct ExecutionPlan: Sendable {
    /// A step and its places in the arena.
    struct Step: Sendable {
        /// The first node that it belongs to.
        let node: Name
        /// The operation.
        let body: any Operator
        /// Its steps for one image as `ResourceLimits.work` counts them.
        let work: Int
        /// Byte offsets of the inputs.
        let inputs: [Int]
        /// Byte offsets of the outputs.
        let outputs: [Int]
        /// Byte offset of the first thread's scratch memory.
        let scratch: Int
        /// Bytes from one thread's scratch memory to the next one's.
        let scratchStride: Int
    }

    /// The steps in order.
    let steps: [Step]
    /// The byte offset of each value of the model.
    let offsets: [Int]
    /// Size of the arena in bytes.
    let byteCount: Int

    /// Bytes without which no plan does: of the largest value and the largest scratch memory.
    static func leastBytes(_ model: Model, images: Int, threads: Int) -> Int {
        let value = model.values.map(\.byteCount).max() ?? 0
        let scratch = model.steps.map(\.body.scratchBytesPerThread).max() ?? 0
        return max(saturatingProduct(value, images), saturatingProduct(scratch, threads))
    }

    /// Plans the memory of a model.
    ///
    /// A value lives from the step that defines it to the last one that reads it; the input lives
    /// from the first step on. An operation that may overwrite an input with its first output does
    /// so when nobody reads it later.
    ///
    /// - Parameters:
    ///   - images: the largest batch.
    ///   - threads: how many parts of a step run at the same time.
    init(_ model: Model, images: Int, threads: Int) {
        let end = model.steps.count
        var last = [Int](repeating: 0, count: model.values.count)
        for (index, step) in model.steps.enumerated() {
            for output in step.outputs { last[output] = max(last[output], index) }
            for input in step.inputs { last[input] = index }
        }
        for value in model.exposed.union([model.output]) { last[value] = end }

        var requests = [
            MemoryPlanner.Request(
                bytes: model.values[0].byteCount * images, first: 0, last: last[0])
        ]
        var request = [Int](repeating: 0, count: model.values.count)
        var scratch: [Int: Int] = [:]
        for (index, step) in model.steps.enumerated() {
            for (position, output) in step.outputs.enumerated() {
                let bytes = model.values[output].byteCount * images
                let candidates =
                    position == 0 ? step.body.overwritableInputs.map { step.inputs[$0] } : []
                let overwritten = candidates.first {
                    last[$0] == index && requests[request[$0]].bytes == bytes
                }
                if let overwritten {
                    request[output] = request[overwritten]
                    requests[request[overwritten]].last = last[output]
                } else {
                    request[output] = requests.count
                    requests.append(.init(bytes: bytes, first: index, last: last[output]))
                }
            }
            if step.body.scratchBytesPerThread > 0 {
                let stride = AlignedMemory.rounded(step.body.scratchBytesPerThread)
                scratch[index] = requests.count
                requests.append(.init(bytes: stride * threads, first: index, last: index))
            }
        }

        let placement = MemoryPlanner.place(requests)
        offsets = request.map { placement.offsets[$0] }
        byteCount = placement.byteCount
        var planned: [Step] = []
        for (index, step) in model.steps.enumerated() {
            planned.append(
                Step(
                    node: step.node, body: step.body, work: step.body.work,
                    inputs: step.inputs.map { placement.offsets[request[$0]] },
                    outputs: step.outputs.map { placement.offsets[request[$0]] },
                    scratch: scratch[index].map { placement.offsets[$0] } ?? 0,
                    scratchStride: AlignedMemory.rounded(step.body.scratchBytesPerThread)))
        }
        steps = planned
    }
}
