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
        memory = try AlignedMemory(byteCount: plan.byteCount)
        let job = Job(steps: plan.steps, base: memory.base, functions: kernels.functions)
        self.job = job
        pool = try ThreadPool(count: threads) { job.execute(part: $0) }
    }

    /// Executes one step for `images` images.
    func run(step: Int, images: Int) {
        let work = plan.steps[step].body.cost * images
        job.current = step
        job.images = images
        job.parts = max(1, min(threads, work / grain))
        pool.run(parts: job.parts)
    }
}

/// The step that the threads work on.
///
/// `@unchecked Sendable`: the variables change only while no thread works on a part, and the
/// pool's counters order the changes before the work. The arena outlives the pool's threads.
private final class Job: @unchecked Sendable {
    var current = 0
    var images = 0
    var parts = 1
    private let steps: [ExecutionPlan.Step]
    private let base: UnsafeMutableRawPointer
    private let functions: UnsafePointer<bonn_kernel_set>

    init(
        steps: [ExecutionPlan.Step], base: UnsafeMutableRawPointer,
        functions: UnsafePointer<bonn_kernel_set>
    ) {
        self.steps = steps
        self.base = base
        self.functions = functions
    }

    func execute(part: Int) {
        let step = steps[current]
        let memory = StepMemory(
            functions: functions, base: base, inputs: step.inputs, outputs: step.outputs,
            scratch: step.scratch + part * step.scratchStride)
        step.body.execute(memory, Share(images: images, part: part, parts: parts))
    }
}
