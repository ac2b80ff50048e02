public import BONNData
import BONNImage
import Foundation

/// Reads, augments and collects batches on background threads, ahead of the training step.
///
/// The batches come out in the order of `batches` and hold the same numbers whatever the number of
/// threads, because each batch is a function of its list of indices. At most `queue` finished
/// batches wait. An error surfaces where its batch would have been; nothing follows it.
public final class BatchLoader {
    private let work: Work

    /// Starts loading.
    ///
    /// - Parameters:
    ///   - dataset: the images.
    ///   - batches: the indices of each batch, in order.
    ///   - transform: what turns an image into numbers.
    ///   - workers: the number of threads.
    ///   - queue: how many batches may be finished or under way ahead of the one that is read next.
    ///   - skipBroken: leave out and list unreadable images instead of failing.
    public init(
        dataset: any ImageDataset, batches: [[Int]], transform: any ImageTransform,
        workers: Int = 1, queue: Int = 4, skipBroken: Bool = false
    ) {
        let builder = BatchBuilder(
            dataset: dataset, transform: transform, skipBroken: skipBroken)
        work = Work(batches: batches, builder: builder, capacity: max(1, queue))
        work.start(threads: max(1, min(workers, queue, batches.count)))
    }

    deinit { work.stop() }

    /// The next batch, or nil after the last one. Waits until it is ready. A batch of which every
    /// image was skipped has no images.
    ///
    /// - Throws: `.data` with the name of the image that cannot be read or does not fit.
    public func next() throws(TrainingError) -> Batch? {
        try work.take()?.get()
    }

    /// Ends the threads and waits for them; called when the loader is released, too.
    public func stop() { work.stop() }
}

/// What the threads share. Safe to share because every access to the mutable state holds the lock.
private final class Work: @unchecked Sendable {
    private let batches: [[Int]]
    private let builder: BatchBuilder
    private let capacity: Int
    private let condition = NSCondition()
    private var ready: [Int: Result<Batch, TrainingError>] = [:]
    private var nextToBuild = 0
    private var nextToTake = 0
    private var stopped = false
    private var threads = 0

    init(batches: [[Int]], builder: BatchBuilder, capacity: Int) {
        self.batches = batches
        self.builder = builder
        self.capacity = capacity
    }

    func start(threads count: Int) {
        threads = count
        for _ in 0..<count {
            let thread = Thread { [self] in build() }
            thread.name = "bonn-loader"
            thread.start()
        }
    }

    func take() -> Result<Batch, TrainingError>? {
        condition.lock()
        defer { condition.unlock() }
        guard nextToTake < batches.count, !stopped else { return nil }
        while ready[nextToTake] == nil { condition.wait() }
        let result = ready.removeValue(forKey: nextToTake)
        nextToTake += 1
        if case .failure = result { stopped = true }
        condition.broadcast()
        return result
    }

    func stop() {
        condition.lock()
        stopped = true
        condition.broadcast()
        while threads > 0 { condition.wait() }
        ready.removeAll()
        condition.unlock()
    }

    private func build() {
        condition.lock()
        while let number = claim() {
            condition.unlock()
            let result = Result { () throws(TrainingError) in try builder.batch(batches[number]) }
            condition.lock()
            ready[number] = result
            condition.broadcast()
        }
        threads -= 1
        condition.broadcast()
        condition.unlock()
    }

    /// The number of the next batch to build, once there is room for it; nil when none is left.
    private func claim() -> Int? {
        while !stopped && nextToBuild < batches.count && nextToBuild - nextToTake >= capacity {
            condition.wait()
        }
        guard !stopped, nextToBuild < batches.count else { return nil }
        nextToBuild += 1
        return nextToBuild - 1
    }
}

/// Builds one batch from its indices.
struct BatchBuilder: Sendable {
    let dataset: any ImageDataset
    let transform: any ImageTransform
    let skipBroken: Bool

    func batch(_ indices: [Int]) throws(TrainingError) -> Batch {
        let (channels, height, width) = transform.shape
        let size = channels * height * width
        var batch = Batch(
            images: [Float](repeating: 0, count: indices.count * size), labels: [], indices: [],
            shape: [0, height, width, channels], skipped: [])
        for index in indices {
            let image: PixelBuffer
            do throws(DataError) {
                image = try dataset.image(at: index)
            } catch {
                guard skipBroken else { throw TrainingError(.data, error.message) }
                batch.skipped.append(error.message)
                continue
            }
            let start = batch.indices.count * size
            do throws(TrainingError) {
                try write(image, index, to: &batch.images, at: start, size)
            } catch {
                throw TrainingError(.data, "\(dataset.identifier(at: index)): \(error.message)")
            }
            batch.labels.append(Int64(dataset.label(at: index)))
            batch.indices.append(index)
        }
        batch.shape[0] = batch.indices.count
        batch.images.removeLast(batch.images.count - batch.indices.count * size)
        return batch
    }

    private func write(
        _ image: PixelBuffer, _ index: Int, to images: inout [Float], at start: Int, _ size: Int
    ) throws(TrainingError) {
        var failure: TrainingError?
        images.withUnsafeMutableBufferPointer { buffer in
            let output = UnsafeMutableBufferPointer(rebasing: buffer[start..<start + size])
            do throws(TrainingError) {
                try transform.write(image, index: index, into: output)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
