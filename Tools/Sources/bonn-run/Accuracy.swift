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
        let kernels: String
        /// Time of the network, without reading and preparing the images.
        let millisecondsPerImage: Double
    }

    /// Images that were run so far.
    private(set) var images = 0
    /// Images that were left out.
    var skipped = 0
    private var session: InferenceSession
    private var inputs: [Float] = []
    private var labels: [Int] = []
    private var first = 0
    private var firstFive = 0
    private var time = Duration.zero

    /// Starts counting.
    init(_ session: consuming InferenceSession) { self.session = session }

    /// Adds an image; runs the batch when it is full.
    mutating func add(_ input: [Float], label: Int) throws {
        inputs += input
        labels.append(label)
        if labels.count == session.batch { try finish() }
    }

    /// Runs the images that wait for a full batch.
    mutating func finish() throws {
        guard !labels.isEmpty else { return }
        let start = ContinuousClock.now
        let logits = try session.run(inputs)
        time += ContinuousClock.now - start
        let classes = session.model.classCount
        for (place, label) in labels.enumerated() {
            let best = topK(logits[place * classes..<(place + 1) * classes], 5)
            if best.first?.classIndex == label { first += 1 }
            if best.contains(where: { $0.classIndex == label }) { firstFive += 1 }
        }
        images += labels.count
        inputs.removeAll(keepingCapacity: true)
        labels.removeAll(keepingCapacity: true)
    }

    /// The result; at least one image was run.
    var result: Result {
        Result(
            images: images, skipped: skipped, top1: Double(first) / Double(images),
            top5: Double(firstFive) / Double(images), kernels: session.kernels.name,
            millisecondsPerImage: time / .milliseconds(1) / Double(images))
    }
}
