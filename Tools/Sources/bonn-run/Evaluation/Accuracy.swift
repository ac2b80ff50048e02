import BONNModelFormat
import BONNRuntime

/// Counts how often a network is right; runs the images in batches.
struct Accuracy: ~Copyable {
    /// What was counted.
    struct Result {
        let images: Int
        let skipped: Int
        /// Share of the images whose class has the largest score.
        let top1: Double
        /// Share of the images whose class is among the five largest scores.
        let top5: Double
        let calibration: Calibration
        let kernels: String
        /// Time of the network, without reading and preparing the images.
        let millisecondsPerImage: Double
    }

    /// One image and what the network makes of it.
    struct Scored {
        /// The place of the image in the data set.
        let index: Int
        /// The class of the model that the data set gives it.
        let label: Int
        let logits: [Float]

        /// The class with the largest score.
        var predicted: Int { topK(logits, 1).first?.classIndex ?? 0 }
    }

    /// Images that were run so far.
    private(set) var images = 0
    /// Images that were left out.
    var skipped = 0
    private var session: InferenceSession
    private var pixels: [UInt8] = []
    private var waiting: [(index: Int, label: Int)] = []
    private var first = 0
    private var firstFive = 0
    private var calibration = Calibration()
    private var time = Duration.zero

    /// Starts counting.
    init(_ session: consuming InferenceSession) { self.session = session }

    /// Adds an image; runs the batch when it is full.
    ///
    /// - Parameters:
    ///   - image: `[H, W, C]`, of the input's size.
    ///   - report: called for every image of the batch that was run, in their order.
    mutating func add(
        _ image: [UInt8], index: Int, label: Int, report: (Scored) throws -> Void
    ) throws {
        pixels += image
        waiting.append((index, label))
        if waiting.count == session.batch { try finish(report: report) }
    }

    /// Runs the images that wait for a full batch.
    mutating func finish(report: (Scored) throws -> Void) throws {
        guard !waiting.isEmpty else { return }
        let start = ContinuousClock.now
        let logits = try session.run(pixels: pixels)
        time += ContinuousClock.now - start
        let classes = session.model.classCount
        for (place, (index, label)) in waiting.enumerated() {
            let own = Array(logits[place * classes..<(place + 1) * classes])
            let best = topK(own, 5)
            if let predicted = best.first?.classIndex {
                first += predicted == label ? 1 : 0
                calibration.add(
                    probability: Double(softmax(own)[predicted]), isRight: predicted == label)
            }
            if best.contains(where: { $0.classIndex == label }) { firstFive += 1 }
            try report(Scored(index: index, label: label, logits: own))
        }
        images += waiting.count
        pixels.removeAll(keepingCapacity: true)
        waiting.removeAll(keepingCapacity: true)
    }

    /// The result; at least one image was run.
    var result: Result {
        Result(
            images: images, skipped: skipped, top1: Double(first) / Double(images),
            top5: Double(firstFive) / Double(images), calibration: calibration,
            kernels: session.kernels.name,
            millisecondsPerImage: time / .milliseconds(1) / Double(images))
    }
}
