import BONNTestSupport

/// Changes the files of an IDX test set, mostly so that sizes and lengths agree.
enum IDXMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard bytes.count >= 2, !generator.oneIn(3) else {
            return changedByLibFuzzer(bytes, capacity: capacity)
        }
        var rest = bytes.dropFirst(2)
        var labels = Array(rest.prefix(Int(bytes[0])))
        rest = rest.dropFirst(labels.count)
        var names = Array(rest.prefix(Int(bytes[1])))
        var images = Array(rest.dropFirst(names.count))
        switch generator.integer(0...5) {
        case 0: labels = changedByLibFuzzer(labels, capacity: 255)
        case 1: names = changedByLibFuzzer(names, capacity: 255)
        case 2: images = changedByLibFuzzer(images, capacity: images.count + 16)
        default:
            let sizes = [1...40, 1...6, 1...6].map { generator.integer($0) }
            labels = file([sizes[0]], labels.dropFirst(8))
            images = file(sizes, images.dropFirst(16))
            names = generator.oneIn(2) ? [] : names
        }
        return [UInt8(min(labels.count, 255)), UInt8(min(names.count, 255))] + labels.prefix(255)
            + names.prefix(255) + images
    }

    /// A file of these sizes: the elements repeated as often as they are needed.
    private static func file(_ sizes: [Int], _ elements: ArraySlice<UInt8>) -> [UInt8] {
        let elements = elements.isEmpty ? [0] : Array(elements)
        return [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { [0, 0, 0, UInt8($0)] }
            + (0..<sizes.reduce(1, *)).map { elements[$0 % elements.count] }
    }
}
