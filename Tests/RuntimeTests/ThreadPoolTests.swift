import BONNTestSupport
import Foundation
import Testing

@testable import BONNRuntime

@Suite struct ThreadPoolTests {
    /// Counts per part, each written by the one thread that has the part.
    private final class Counts: @unchecked Sendable {
        let values = UnsafeMutablePointer<Int>.allocate(capacity: 64)
        init() { values.initialize(repeating: 0, count: 64) }
        deinit { values.deallocate() }
    }

    @Test(arguments: [1, 2, 3, 8])
    func `every part of every job is executed exactly once`(threads: Int) throws {
        let counts = Counts()
        let pool = try ThreadPool(count: threads) { part in counts.values[part] += 1 }
        var generator = SeededGenerator(seed: UInt64(threads))
        var expected = [Int](repeating: 0, count: 64)
        for job in 0..<3_000 {
            let parts = generator.integer(1...threads)
            pool.run(parts: parts)
            for part in 0..<parts { expected[part] += 1 }
            // Now and then long enough for the threads to fall asleep.
            if job % 500 == 0 { Thread.sleep(forTimeInterval: 0.01) }
            for part in 0..<threads { #expect(counts.values[part] == expected[part]) }
        }
    }

    @Test func `pools end when their owner does`() throws {
        for _ in 0..<50 {
            let pool = try ThreadPool(count: 4) { _ in }
            pool.run(parts: 4)
        }
    }
}
