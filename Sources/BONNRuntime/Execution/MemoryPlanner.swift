import BONNModelFormat

/// Places buffers with known lifetimes in one arena.
///
/// Two buffers may share bytes exactly when no step needs both. Buffers are placed in order of
/// size, largest first, each into the lowest gap between the already placed buffers that live at
/// the same time ("greedy by size": within a few per cent of the best on convolution networks).
enum MemoryPlanner {
    /// A buffer to place.
    struct Request: Equatable {
        /// Size in bytes.
        var bytes: Int
        /// The first step that needs it.
        var first: Int
        /// The last step that needs it.
        var last: Int
    }

    /// Where the buffers lie.
    struct Placement: Equatable {
        /// Byte offsets into the arena, one a request, each on a cache line.
        var offsets: [Int]
        /// Size of the arena in bytes.
        var byteCount: Int
    }

    /// Places all requests.
    static func place(_ requests: [Request]) -> Placement {
        var offsets = [Int](repeating: 0, count: requests.count)
        var placed: [Int] = []
        var total = 0
        let order = requests.indices.sorted {
            (requests[$1].bytes, $0) < (requests[$0].bytes, $1)
        }
        for index in order {
            let request = requests[index]
            let size = AlignedMemory.rounded(request.bytes)
            let neighbours =
                placed
                .filter { requests[$0].first <= request.last && request.first <= requests[$0].last }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for neighbour in neighbours {
                if offsets[neighbour] - offset >= size { break }
                let end = offsets[neighbour] + AlignedMemory.rounded(requests[neighbour].bytes)
                offset = max(offset, end)
            }
            offsets[index] = offset
            placed.append(index)
            total = max(total, offset + size)
        }
        return Placement(offsets: offsets, byteCount: total)
    }
}
