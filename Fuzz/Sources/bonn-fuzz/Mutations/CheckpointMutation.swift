import BONNTestSupport

/// Checkpoints of pickles that are mostly well formed. Nothing in the files is a checksum, so libFuzzer's own
/// changes get far in what is there; this makes what is not there yet.
enum CheckpointMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard generator.oneIn(3) else { return changedByLibFuzzer(bytes, capacity: capacity) }
        let isLegacy = generator.oneIn(2)
        let pairs = (0..<generator.integer(0...4)).map { index in
            (
                "\(generator.pick(["w", "module.w", "state_dict", "\u{E9}"]))\(index)",
                value(&generator, 3, isLegacy)
            )
        }
        let pickle =
            CheckpointBytes.begin + CheckpointBytes.dictionary(pairs) + CheckpointBytes.stop
        let storages = (0..<3).map { _ in [UInt8](repeating: 0x3F, count: generator.integer(0...64))
        }
        let file =
            isLegacy
            ? CheckpointBytes.legacy(
                pickle: pickle,
                storages: storages.enumerated().map {
                    (key: "\($0.offset)", count: $0.element.count / 4, bytes: $0.element)
                })
            : CheckpointBytes.zip(pickle: pickle, storages: storages)
        return file.count <= capacity ? file : changedByLibFuzzer(bytes, capacity: capacity)
    }

    /// Operations that leave one value, most of the time.
    private static func value(
        _ generator: inout SeededGenerator, _ depth: Int, _ isLegacy: Bool
    ) -> [UInt8] {
        switch generator.integer(0...(depth > 0 ? 11 : 5)) {
        case 0: return generator.pick([[0x4E], [0x88], [0x89], [0x5D], [0x7D], [0x29]])
        case 1: return CheckpointBytes.int(generator.pick([0, 1, -1, .max, .min, 1 << 32]))
        case 2: return CheckpointBytes.text(generator.pick(["", "storage", "0", "\u{1B}[2J"]))
        case 3: return [0x68, UInt8(generator.integer(0...3))]
        case 4:
            return generator.pick([
                CheckpointBytes.global("torch", "FloatStorage"),
                CheckpointBytes.global("collections", "OrderedDict"),
                CheckpointBytes.global("os", "system"),
            ])
        case 5:
            return CheckpointBytes.storage(
                "\(generator.integer(0...3))",
                type: generator.pick(["FloatStorage", "HalfStorage", "LongStorage", "BoolStorage"]),
                count: generator.integer(0...16), isLegacy: isLegacy)
        case 6:
            return value(&generator, depth - 1, isLegacy) + [0x71, UInt8(generator.integer(0...3))]
        case 7:
            return CheckpointBytes.tuple(
                (0..<generator.integer(0...3)).map { _ in value(&generator, depth - 1, isLegacy) })
        case 8:
            return CheckpointBytes.dictionary([("w", value(&generator, depth - 1, isLegacy))])
        case 9:
            return value(&generator, depth - 1, isLegacy) + value(&generator, depth - 1, isLegacy)
                + [generator.pick([0x52, 0x62, 0x61, 0x73, 0x86])]
        default:
            let shape = (0..<generator.integer(0...4)).map { _ in generator.integer(0...4) }
            return CheckpointBytes.tensor(
                CheckpointBytes.storage(
                    "\(generator.integer(0...2))", count: generator.integer(0...16),
                    isLegacy: isLegacy),
                offset: generator.integer(0...3), shape: shape,
                strides: shape.map { _ in generator.pick([0, 1, 2, 4, .max]) })
        }
    }
}
