#if os(Linux)
    import Foundation
    import Testing
    import Torch

    /// Memory of tensors that stays with the process; it does so for all tests of the process from here on.
    @Suite struct MemoryTests {
        private struct Held {
            let tensor: Tensor
            let value: Float
        }

        /// Sizes below and above what is kept, from several threads; tensors are also freed by another thread than
        /// the one that made them.
        @Test(arguments: [UInt64(1), 2, 3])
        func `blocks are never shared, and what is held stays within its bound`(seed: UInt64) throws
        {
            keepFreedMemory()
            let shelf = Shelf()
            DispatchQueue.concurrentPerform(iterations: 3) { thread in
                shelf.note { try Self.work(seed: seed, thread: thread, shelf) }
            }
            #expect(shelf.complaints.isEmpty, "seed \(seed): \(shelf.complaints)")
        }

        private static func work(seed: UInt64, thread: Int, _ shelf: Shelf) throws {
            let steps = 60
            let draws = try Generator(seed: seed << 8 | UInt64(thread)).uniform([2 * steps])
                .floats()
            for step in 0..<steps {
                let value = Float(thread * 1000 + step)
                let count = (1 << 16) + Int(draws[2 * step] * Float(1 << 21))
                try shelf.exchange(
                    Held(tensor: Tensor.full([count], Double(value)), value: value),
                    at: Int(draws[2 * step + 1] * 4))
                let memory = try DeviceMemory(of: .cpu)
                guard memory.allocated <= memory.peak, memory.allocated <= memory.reserved,
                    2 * memory.reserved <= 3 * memory.peak
                else { return shelf.complain("\(memory)") }
            }
        }

        /// Tensors that wait for a thread to free them.
        private final class Shelf: @unchecked Sendable {
            private let lock = NSLock()
            private var places = [Held?](repeating: nil, count: 4)
            private(set) var complaints: [String] = []

            func complain(_ text: String) { lock.withLock { complaints.append(text) } }

            func note(_ body: () throws -> Void) {
                do { try body() } catch { complain("\(error)") }
            }

            /// Puts a tensor in a place, and frees what lay there, which nobody may have written to.
            func exchange(_ held: Held, at place: Int) throws {
                let old = lock.withLock { () -> Held? in
                    defer { places[place] = held }
                    return places[place]
                }
                guard let old else { return }
                let range = try [old.tensor.amin([0]).item(), old.tensor.amax([0]).item()]
                if range != [Double(old.value), Double(old.value)] {
                    complain("\(old.value) became \(range)")
                }
            }
        }
    }
#endif
