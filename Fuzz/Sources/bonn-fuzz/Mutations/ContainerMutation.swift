import BONNModelFormat
import BONNTestSupport

/// Changes safetensors and model files and repairs what hides the change from the reader: the length of
/// the header, the places of the tensors, the digest of the file, the network that a certificate names.
enum ContainerMutation {
    static func safetensors(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        change(bytes, capacity, &generator)
    }

    static func model(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        // Now and then another network, so that the seeds are not all that there is.
        if generator.oneIn(50) {
            let seed = generator.next()
            let model =
                generator.oneIn(3)
                ? RandomModels.modelWithStem(seed: seed)
                : RandomModels.model(seed: seed, depth: generator.integer(1...8))
            return (try? model.serialized()) ?? []
        }
        let changed = change(bytes, capacity, &generator)
        return generator.oneIn(8) ? changed : certified(changed) ?? changed
    }

    private static func change(
        _ bytes: [UInt8], _ capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard let (header, data) = split(bytes) else {
            return container(changedByLibFuzzer(bytes.dropFirst(8), capacity: capacity - 8), [])
        }
        let room = max(0, capacity - bytes.count)
        switch generator.integer(0...9) {
        case 0, 1:
            let changed = changedByLibFuzzer(header, capacity: header.count + room)
            return container(changed, Array(data))
        case 2, 3:
            // As long as before, so that the tensors still cover it.
            var changed = changedByLibFuzzer(data, capacity: data.count)
            changed += data.dropFirst(changed.count)
            return sealed(container(Array(header), changed), &generator)
        case 4, 5:
            return changedTensor(bytes, room, &generator) ?? bytes
        default:
            guard let json = try? JSONValue(parsing: header, place: "header") else {
                return container(changedByLibFuzzer(header, capacity: header.count), Array(data))
            }
            let mutation = JSONMutation(json)
            var changed = json
            for _ in 0..<generator.pick([1, 1, 1, 3]) {
                changed = mutation.change(changed, &generator)
            }
            return sealed(container(Array(changed.text.utf8), Array(data)), &generator)
        }
    }

    /// The header and the data of a file whose length field is right.
    private static func split(
        _ bytes: [UInt8]
    ) -> (header: ArraySlice<UInt8>, data: ArraySlice<UInt8>)? {
        guard bytes.count >= 10 else { return nil }
        let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(bytes.count - 8) else { return nil }
        return (bytes[8..<8 + Int(length)], bytes[(8 + Int(length))...])
    }

    private static func container(_ header: [UInt8], _ data: [UInt8]) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
    }

    /// The contents of a file, whatever digest it states.
    private static func contents(
        _ bytes: [UInt8]
    ) -> (metadata: [(key: Name, value: String)], tensors: [Safetensors.Tensor])? {
        guard let (header, data) = split(bytes),
            case .object(var members) = try? JSONValue(parsing: header, place: "header")
        else { return nil }
        if let index = members.firstIndex(where: { $0.key == "__metadata__" }),
            case .object(let strings) = members[index].value
        {
            members[index].value = .object(strings.filter { $0.key != Safetensors.digestKey })
        }
        let plain = container(Array(JSONValue.object(members).text.utf8), Array(data))
        guard let contents = try? Safetensors.read(plain) else { return nil }
        return (
            contents.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) },
            contents.tensors.sorted { $0.key < $1.key }.map { name, entry in
                Safetensors.Tensor(
                    name: name, elementType: entry.elementType, shape: entry.shape,
                    bytes: Array(plain[entry.range]))
            }
        )
    }

    /// Mostly with the digest that the file has; sometimes the one that it had.
    private static func sealed(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        guard !generator.oneIn(8), let (metadata, tensors) = contents(bytes) else { return bytes }
        return
            (try? Safetensors.write(
                metadata: metadata, tensors: tensors, digest: !generator.oneIn(8))) ?? bytes
    }

    /// One tensor of another size or type, or a tensor more or less; every length fits.
    private static func changedTensor(
        _ bytes: [UInt8], _ room: Int, _ generator: inout SeededGenerator
    ) -> [UInt8]? {
        guard var (metadata, tensors) = contents(bytes), !tensors.isEmpty else { return nil }
        let index = generator.integer(0...tensors.count - 1)
        switch generator.integer(0...5) {
        case 0: tensors.remove(at: index)
        case 1: tensors[index].name = Name(tensors[index].name.text + "x")
        case 2: tensors[index].elementType = generator.pick(Safetensors.ElementType.allCases)
        case 3: tensors[index].shape.append(1)
        default:
            guard !tensors[index].shape.isEmpty else { return nil }
            let dimension = generator.integer(0...tensors[index].shape.count - 1)
            tensors[index].shape[dimension] = generator.pick([0, 1, 2, 3, 5, 8, 64, 65])
        }
        for index in tensors.indices {
            let tensor = tensors[index]
            guard let size = Safetensors.byteCount(tensor.elementType, shape: tensor.shape),
                size <= tensor.bytes.count + room
            else { return nil }
            let missing = max(0, size - tensor.bytes.count)
            tensors[index].bytes = tensor.bytes.prefix(size) + [UInt8](repeating: 0, count: missing)
        }
        metadata.removeAll { $0.key == Safetensors.digestKey }
        return try? Safetensors.write(metadata: metadata, tensors: tensors)
    }

    /// With a certificate for the network that the file now holds, where it has a certificate.
    private static func certified(_ bytes: [UInt8]) -> [UInt8]? {
        guard let (unsealed, tensors) = contents(bytes),
            let index = unsealed.firstIndex(where: { $0.key == "parity" }),
            case .object(var members) = try? JSONValue(
                parsing: unsealed[index].value, place: "parity"),
            let network = members.firstIndex(where: { $0.key == "network" })
        else { return nil }
        var metadata = unsealed
        metadata.remove(at: index)
        guard let plain = try? Safetensors.write(metadata: metadata, tensors: tensors),
            let digest = try? ModelFile(bytes: plain).networkDigest()
        else { return nil }
        members[network].value = .string("\(digest)")
        metadata.insert((key: "parity", value: JSONValue.object(members).text), at: index)
        return try? Safetensors.write(metadata: metadata, tensors: tensors)
    }
}
