import BONNTestSupport

/// Changes the files of a CIFAR test set, mostly so that they stay whole records and a line a class.
enum CIFARMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard bytes.count >= 3, !generator.oneIn(3) else {
            return changedByLibFuzzer(bytes, capacity: capacity)
        }
        let is100 = bytes[0] % 2 == 1
        var names = Array(bytes.dropFirst(3).prefix(Int(bytes[1]) << 8 | Int(bytes[2])))
        var records = Array(bytes.dropFirst(3 + names.count))
        let record = is100 ? 3_074 : 3_073
        switch generator.integer(0...5) {
        case 0: names = changedByLibFuzzer(names, capacity: min(names.count + 64, 65_535))
        case 1:
            var lines = names.split(separator: 10, omittingEmptySubsequences: false)
            lines.swapAt(generator.integer(0...lines.count - 1), 0)
            let line = generator.integer(0...lines.count - 1)
            lines[line] = changedByLibFuzzer(lines[line], capacity: lines[line].count + 4)[...]
            names = Array(lines.joined(separator: [10]))
        case 2: records.removeLast(min(records.count, record))
        case 3: records += records.prefix(record)
        default:
            // A label, within its range and beyond.
            guard records.count >= record else { break }
            let start = record * generator.integer(0...records.count / record - 1)
            records[start + (is100 ? generator.integer(0...1) : 0)] = UInt8(
                generator.pick([0, 1, 9, 10, 19, 20, 99, 100, 255]))
        }
        return [bytes[0], UInt8(names.count >> 8), UInt8(names.count & 255)] + names + records
    }
}
