import Foundation

/// Memory that decoding may take, shared by all that decode at once.
///
/// A file states the size of its image in a few bytes, so that 22 kB can ask for half a gigabyte. What an
/// image takes is known from its header: the decoded image, twice where it has to be turned, and what the
/// codec holds beside it (all coefficients of a progressive JPEG file). An image that takes more than the
/// whole budget is refused before any of it is decoded; one that would take more than is left waits
/// until others are done. So eight workers hold no more than one.
///
/// One thing no header tells: a lossless WebP file can be made so that libwebp keeps up to 0.9 GB of
/// tables for it (0.4 GB for 0.3 MB of file). Such a file is not refused but decoded while nothing else
/// is.
public final class DecodingBudget: @unchecked Sendable, Equatable {
    /// The budget that everything shares unless told otherwise: 400 MB, enough for a photograph of 133
    /// megapixels, or of 66 in a progressive file with half of its colors.
    public static let standard = DecodingBudget(bytes: 400_000_000)

    /// Bytes for all images that are decoded at the same time.
    public let bytes: Int

    private let condition = NSCondition()
    /// Bytes that are held; touched under the lock of `condition` alone.
    private var taken = 0

    /// A budget.
    ///
    /// - Parameter bytes: At least 1; for all images that are decoded at the same time.
    public init(bytes: Int) { self.bytes = max(1, bytes) }

    /// Two budgets are equal if they are one: what counts is with whom it is shared.
    public static func == (first: DecodingBudget, second: DecodingBudget) -> Bool {
        first === second
    }

    /// Waits until so many bytes are left, and holds them while `body` runs.
    func holding<Result, Failure: Error>(
        _ count: Int, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        condition.withLock {
            // An empty budget is enough for any count, so that no caller can wait for ever.
            while taken > 0 && count > bytes - taken { condition.wait() }
            taken += count
        }
        defer {
            condition.withLock {
                taken -= count
                condition.broadcast()
            }
        }
        return try body()
    }
}
