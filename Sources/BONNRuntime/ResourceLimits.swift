import BONNModelFormat

/// What a model may cost. A model file of a few kilobytes can be valid and ask for gigabytes or hours;
/// it is refused when it asks for more than this, before it gets any of it.
///
/// The defaults let a ResNet-50 for images of 224 x 224 pixels pass, in full precision too, in batches of
/// 64. A larger network from somebody who is trusted needs larger limits:
///
///     let model = try Model(path: "large.bonn", limits: .unlimited)
public struct ResourceLimits: Sendable, Equatable {
    /// Bytes of the packed weights and tables of a model.
    public var modelBytes: Int
    /// Bytes that a session takes for each image of its batch.
    public var imageBytes: Int
    /// Bytes that a session takes for each of its threads besides.
    public var threadBytes: Int
    /// Steps of one run for each image: a real multiply-add is one, sixteen binary ones are one, an element
    /// that is read, written or compared is eight. Absent lanes of a vector are counted as if they
    /// were there. Two cores do between two and twenty of them in a nanosecond.
    public var work: Int
    /// Steps of loading a model that are not copies of weights.
    public var loadingWork: Int

    /// Limits.
    public init(
        modelBytes: Int = 128 << 20, imageBytes: Int = 32 << 20, threadBytes: Int = 4 << 20,
        work: Int = 16_000_000_000, loadingWork: Int = 1 << 28
    ) {
        self.modelBytes = modelBytes
        self.imageBytes = imageBytes
        self.threadBytes = threadBytes
        self.work = work
        self.loadingWork = loadingWork
    }

    /// The defaults.
    public static let standard = ResourceLimits()

    /// None: for models that nobody could have tampered with.
    public static let unlimited = ResourceLimits(
        modelBytes: .max, imageBytes: .max, threadBytes: .max, work: .max, loadingWork: .max)

    /// Bytes that a session with a batch of images and some threads may take.
    func sessionBytes(images: Int, threads: Int) -> Int {
        let forImages = imageBytes.multipliedReportingOverflow(by: images)
        let forThreads = threadBytes.multipliedReportingOverflow(by: threads)
        let sum = forImages.partialValue.addingReportingOverflow(forThreads.partialValue)
        return forImages.overflow || forThreads.overflow || sum.overflow ? .max : sum.partialValue
    }
}

/// What the loading of a model has cost so far.
struct Budget {
    /// What it may cost.
    let limits: ResourceLimits
    private var bytes = 0
    private var work = 0
    private var loadingWork = 0

    init(_ limits: ResourceLimits) { self.limits = limits }

    /// Counts bytes that are about to be allocated for a node.
    mutating func charge(bytes count: Int, node: Name) throws(RuntimeError) {
        bytes = try Self.sum(
            bytes, count, limits.modelBytes, node, "bytes of packed weights and tables",
            "modelBytes")
    }

    /// Counts what a node will do in a run of one image.
    mutating func charge(work count: Int, node: Name) throws(RuntimeError) {
        work = try Self.sum(work, count, limits.work, node, "steps for one image", "work")
    }

    /// Counts what is about to be done to load a node.
    mutating func charge(loadingWork count: Int, node: Name) throws(RuntimeError) {
        loadingWork = try Self.sum(
            loadingWork, count, limits.loadingWork, node, "steps to load it", "loadingWork")
    }

    private static func sum(
        _ before: Int, _ count: Int, _ limit: Int, _ node: Name, _ what: String, _ key: String
    ) throws(RuntimeError) -> Int {
        let (sum, overflow) = before.addingReportingOverflow(count)
        guard !overflow, sum <= limit else {
            throw RuntimeError(
                .limitExceeded,
                "graph node '\(printable(node.text, limit: 60))': expected at most \(limit) \(what) "
                    + "in all nodes up to here, found \(overflow ? "more than 2^63" : "\(sum)"); raise "
                    + "ResourceLimits.\(key) if you trust the file")
        }
        return sum
    }
}

/// The product of non-negative numbers, or the largest number where it is larger.
func saturatingProduct(_ factors: Int...) -> Int {
    factors.reduce(1) { product, factor in
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        return overflow ? .max : next
    }
}

/// The sum of non-negative numbers, or the largest number where it is larger.
func saturatingSum(_ terms: Int...) -> Int {
    terms.reduce(0) { sum, term in
        let (next, overflow) = sum.addingReportingOverflow(term)
        return overflow ? .max : next
    }
}
