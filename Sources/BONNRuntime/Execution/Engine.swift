import BONNModelFormat
import CBONNKernels

/// The memory and the threads of a session, and the steps that they run.
final class Engine {
    /// How many nanoseconds of work a thread must get to be worth waking: several times what the
    /// hand-over costs.
    static let defaultGrain = 10_000

    /// What is run.
    let plan: ExecutionPlan
    /// The arena.
    let memory: AlignedMemory
    /// How many nanoseconds of work a thread must get here; tests use 1.
    let grain: Int
    /// Ends the run in progress.
    let cancellation: Cancellation
    private let threads: Int
    private let job: Job
    private let pool: ThreadPool

    /// Allocates the arena and starts the threads.
    ///
    /// - Throws: `.outOfMemory` or `.threadsUnavailable`.
    init(
        _ plan: ExecutionPlan, kernels: KernelSet, threads: Int, grain: Int = defaultGrain
    ) throws(RuntimeError) {
        self.plan = plan
        self.threads = threads
        self.grain = grain
        memory = try AlignedMemory.allocate(byteCount: plan.byteCount)
        cancellation = try Cancellation()
        let job = Job(
            steps: plan.steps, base: memory.base, functions: kernels.functions,
            cancellation: cancellation)
        self.job = job
        pool = try ThreadPool(count: threads) { job.execute(part: $0) }
    }

    /// Executes one step for `images` images.
    ///
    /// - Throws: `.cancelled`, after which the values are of no use.
    func run(step: Int, images: Int) throws(RuntimeError) {
        job.task = .step(step)
        run(images: images, nanoseconds: plan.steps[step].body.cost * images)
        if cancellation.take() {
            throw RuntimeError(
                .cancelled, "the run was cancelled at '\(printable(plan.steps[step].node.text))'")
        }
    }

    /// Copies images `[C, H, W]` to the begin of a value `[H, W, C]`.
    func transpose(_ input: UnsafePointer<UInt32>, to offset: Int, _ shape: Shape, images: Int) {
        job.task = .transposition(input, to: offset, shape)
        run(images: images, nanoseconds: shape.count * images / 4)
    }

    /// Writes what `count` pixels become to the begin of a value.
    func convert(
        _ pixels: UnsafePointer<UInt8>, by table: PixelTable, to offset: Int, count: Int,
        images: Int
    ) {
        job.task = .conversion(pixels, table, to: offset, count: count)
        run(images: images, nanoseconds: table.channels * count / 2)
    }

    private func run(images: Int, nanoseconds: Int) {
        job.images = images
        job.parts = max(1, min(threads, nanoseconds / grain))
        pool.run(parts: job.parts)
    }
}

/// What the threads work on.
///
/// `@unchecked Sendable`: the variables change only while no thread works on a part, and the
/// pool's counters order the changes before the work. The arena outlives the pool's threads.
private final class Job: @unchecked Sendable {
    enum Task {
        case step(Int)
        case transposition(UnsafePointer<UInt32>, to: Int, Shape)
        case conversion(UnsafePointer<UInt8>, PixelTable, to: Int, count: Int)
    }

    var task = Task.step(0)
    var images = 0
    var parts = 1
    private let steps: [ExecutionPlan.Step]
    private let base: UnsafeMutableRawPointer
    private let functions: UnsafePointer<bonn_kernel_set>
    private let cancellation: Cancellation
    /// Steps as `ResourceLimits.work` counts them between two looks at the cancellation: some
    /// milliseconds, and more than a stem of 224 x 224 pixels, whose pooled rows cost more in pieces.
    private static let workBetweenLooks = 160_000_000

    init(
        steps: [ExecutionPlan.Step], base: UnsafeMutableRawPointer,
        functions: UnsafePointer<bonn_kernel_set>, cancellation: Cancellation
    ) {
        self.cancellation = cancellation
        self.steps = steps
        self.base = base
        self.functions = functions
    }

    func execute(part: Int) {
        switch task {
        case .step(let index): execute(steps[index], part)
        case .transposition(let input, let offset, let shape):
            transpose(input, to: offset, shape, Share(images: images, part: part, parts: parts))
        case .conversion(let pixels, let table, let offset, let count):
            let range = Share(images: images, part: part, parts: parts).range(of: count)
            let first = range.lowerBound * table.channels
            let output = (base + offset).assumingMemoryBound(to: Float.self)
            table.write(pixels + first, count: range.count, to: output + first)
        }
    }

    private func transpose(
        _ input: UnsafePointer<UInt32>, to offset: Int, _ shape: Shape, _ share: Share
    ) {
        let output = (base + offset).assumingMemoryBound(to: UInt32.self)
        let pixels = shape.height * shape.width
        let range = share.range(of: pixels)
        for image in 0..<images {
            let first = image * shape.count
            functions.pointee.transpose_u32(
                input + first + range.lowerBound, pixels,
                output + first + range.lowerBound * shape.channels, shape.channels, range.count)
        }
    }

    /// Executes a part of a step in as many pieces as it takes to be cancelled soon.
    private func execute(_ step: ExecutionPlan.Step, _ part: Int) {
        let memory = StepMemory(
            functions: functions, base: base, inputs: step.inputs, outputs: step.outputs,
            scratch: step.scratch + part * step.scratchStride)
        let work = saturatingProduct(step.work, images) / parts
        let pieces = min(max(1, work / Self.workBetweenLooks), 1 << 16)
        for piece in 0..<pieces {
            if cancellation.isRequested { return }
            step.body.execute(
                memory, Share(images: images, part: part * pieces + piece, parts: parts * pieces))
        }
    }
}
