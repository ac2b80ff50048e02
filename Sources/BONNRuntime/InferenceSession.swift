import BONNModelFormat

/// Runs a model: owns the memory of one inference and the threads that work on it.
///
/// A session is used by one thread at a time, which its type enforces; run several sessions on one
/// model for several requests at once. All memory is allocated in the initialiser. The results are
/// the same bits for every kernel set, number of threads and batch size.
///
/// `@unchecked Sendable`: it has one owner, and every use of its memory is a mutation, so that it
/// can be handed to another thread but never be used by two.
public struct InferenceSession: ~Copyable, @unchecked Sendable {
    /// The model that runs.
    public let model: Model
    /// How many threads work on a run, the caller's included.
    public let threads: Int
    /// The largest number of images in a run.
    public let batch: Int

    let engine: Engine

    /// The most threads that a session takes.
    public static let maximumThreads = 1_024

    /// Allocates the memory and starts the threads.
    ///
    /// - Parameters:
    ///   - model: the model to run.
    ///   - threads: how many threads work on a run, the caller's included.
    ///   - batch: the largest number of images in a run.
    /// - Throws: `RuntimeError` with `.invalidOption`, `.limitExceeded` (of the model's `limits`),
    ///   `.outOfMemory` or `.threadsUnavailable`.
    public init(
        _ model: Model, threads: Int = 1, batch: Int = 1
    ) throws(RuntimeError) {
        guard (1...Self.maximumThreads).contains(threads) else {
            throw RuntimeError(
                .invalidOption,
                "a session takes 1 to \(Self.maximumThreads) threads, not \(threads)")
        }
        let imageBytes = model.values.reduce(0) { $0 + AlignedMemory.rounded($1.byteCount) }
        guard batch >= 1, !batch.multipliedReportingOverflow(by: imageBytes).overflow else {
            throw RuntimeError(.invalidOption, "a session takes 1 or more images, not \(batch)")
        }
        let allowed = model.limits.sessionBytes(images: batch, threads: threads)
        let least = ExecutionPlan.leastBytes(model, images: batch, threads: threads)
        let plan =
            least > allowed ? nil : ExecutionPlan(model, images: batch, threads: threads)
        guard let plan, plan.byteCount <= allowed else {
            throw RuntimeError(
                .limitExceeded,
                "a session for \(batch) images with \(threads) threads: expected at most \(allowed) "
                    + "bytes, found \(plan?.byteCount ?? least); take fewer images, or raise "
                    + "ResourceLimits.imageBytes or .threadBytes if you trust the file")
        }
        self.init(
            model, threads: threads, batch: batch,
            engine: try Engine(plan, kernels: model.kernels, threads: threads))
    }

    init(_ model: Model, threads: Int, batch: Int, engine: Engine) {
        self.model = model
        self.threads = threads
        self.batch = batch
        self.engine = engine
    }

    /// The kernels that run the model.
    public var kernels: KernelSet { model.kernels }

    /// Ends a run of this session from another thread.
    public var cancellation: Cancellation { engine.cancellation }

    /// Bytes of memory that this session holds besides the model.
    public var memoryBytes: Int { engine.plan.byteCount }

    /// Classifies images of real numbers.
    ///
    /// - Parameter input: `[N, C, H, W]` with N from 1 to `batch`, preprocessed as the model
    ///   wants. A network that reads bytes takes whole numbers from 0 to 255 here.
    /// - Returns: `[N, K]` logits.
    /// - Throws: `RuntimeError` with `.wrongLength`, `.wrongElement` or `.cancelled`.
    public mutating func run(_ input: [Float]) throws(RuntimeError) -> [Float] {
        let images = try imageCount(of: input.count)
        try stage(input.span, images: images)
        try execute(images: images)
        return logits(images: images)
    }

    /// Classifies images of the input's size, normalised as the model file says: the shortest way from
    /// pixels to logits.
    ///
    /// - Parameter pixels: `[N, H, W, C]`, as `Preprocessing.apply` of BONNImage leaves the pixels of an
    ///   image, with N from 1 to `batch`.
    /// - Returns: `[N, K]` logits.
    /// - Throws: `RuntimeError` with `.wrongLength`, `.cancelled`, or `.wrongElement` where the model file
    ///   has no preprocessing.
    public mutating func run(pixels: [UInt8]) throws(RuntimeError) -> [Float] {
        let images = try imageCount(of: pixels.count)
        guard let table = model.pixels else {
            throw RuntimeError(
                .wrongElement,
                "expected a model file that says how images are prepared, found one without "
                    + "preprocessing; prepare the input and call run(_:)")
        }
        stage(pixels: pixels, by: table, images: images)
        try execute(images: images)
        return logits(images: images)
    }

    /// Classifies images of 8-bit samples, plane by plane, for a network that reads them.
    ///
    /// - Parameter bytes: `[N, C, H, W]` with N from 1 to `batch`.
    /// - Returns: `[N, K]` logits.
    /// - Throws: `RuntimeError` with `.wrongLength`, `.wrongElement` or `.cancelled`.
    public mutating func run(bytes: [UInt8]) throws(RuntimeError) -> [Float] {
        let images = try imageCount(of: bytes.count)
        guard model.inputElement == .byte else {
            throw RuntimeError(
                .wrongElement,
                "this network reads real numbers; preprocess the pixels and call run(_:)")
        }
        stage(bytes: bytes.span, images: images)
        try execute(images: images)
        return logits(images: images)
    }

    /// As `run(_:)`, without any allocation.
    ///
    /// - Parameters:
    ///   - input: `[N, C, H, W]`.
    ///   - logits: room for `[N, K]`.
    /// - Throws: `RuntimeError` with `.wrongLength`, `.wrongElement` or `.cancelled`.
    public mutating func run(
        _ input: borrowing Span<Float>, into logits: inout MutableSpan<Float>
    ) throws(RuntimeError) {
        let images = try imageCount(of: input.count)
        guard logits.count >= images * model.classCount else {
            throw RuntimeError(
                .wrongLength,
                "\(images) images give \(images * model.classCount) logits; "
                    + "there is room for \(logits.count)")
        }
        try stage(input, images: images)
        try execute(images: images)
        for index in 0..<images * model.classCount { logits[index] = logit(index) }
    }

    /// The number of images in an input of `count` elements.
    func imageCount(of count: Int) throws(RuntimeError) -> Int {
        let size = model.inputShape.count
        guard count > 0, count % size == 0, count / size <= batch else {
            let shape = model.inputShape
            throw RuntimeError(
                .wrongLength,
                "expected 1 to \(batch) images of \(size) elements "
                    + "[\(shape.channels), \(shape.height), \(shape.width)], found \(count) elements"
            )
        }
        return count / size
    }

    /// Executes all steps on the staged input.
    ///
    /// - Throws: `.cancelled`.
    func execute(images: Int) throws(RuntimeError) {
        for step in model.steps.indices { try engine.run(step: step, images: images) }
    }

    private func logits(images: Int) -> [Float] {
        (0..<images * model.classCount).map { logit($0) }
    }

    private func logit(_ index: Int) -> Float {
        let place = engine.memory.base + engine.plan.offsets[model.output]
        // The logits are [K, 1, 1]: the same in every layout.
        return model.values[model.output].element == .integer
            ? Float(place.load(fromByteOffset: 4 * index, as: Int32.self))
            : place.load(fromByteOffset: 4 * index, as: Float.self)
    }
}
