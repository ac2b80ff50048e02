import BONNModelFormat

/// A pickle and the storages beside it.
struct PyTorchParts {
    /// Where the bytes of each storage lie in the file.
    let storages: [Name: Range<Int>]
    private let root: PickleValue
    private let objects: [PickleObject]
    private let place: String

    /// The zip format: `NAME/data.pkl`, `NAME/data/KEY` for each storage, and since PyTorch 2.0 `NAME/byteorder`.
    init(zip bytes: [UInt8], place: String) throws(InteropError) {
        let archive = try ZipArchive(bytes, place: place)
        let pickles = archive.entries.keys.filter {
            $0.text.utf8.reversed().starts(with: "/data.pkl".utf8.reversed())
        }
        guard pickles.count == 1, let name = pickles.first, let range = archive.entries[name] else {
            throw InteropError(
                .notRecognised,
                "\(place): expected a zip archive of torch.save with one data.pkl, found \(pickles.count)"
            )
        }
        let folder = String(decoding: name.text.utf8.dropLast("data.pkl".utf8.count), as: UTF8.self)
        if let order = archive.entries[Name("\(folder)byteorder")],
            !bytes[order].elementsEqual("little".utf8)
        {
            throw Self.bigEndian(place)
        }
        var storages: [Name: Range<Int>] = [:]
        for (entry, range) in archive.entries {
            if let key = entry.without(prefix: "\(folder)data/") { storages[key] = range }
        }
        var machine = PickleMachine(ByteCursor(bytes[range], place: "\(place), data.pkl"))
        root = try machine.run().value
        objects = machine.objects
        self.storages = storages
        self.place = place
    }

    /// The format before PyTorch 1.6: pickles of a magic number, of the version 1001, of facts about the
    /// machine, of the object and of the keys of its storages; then of each its number of elements in eight
    /// bytes, and the elements.
    init(legacy bytes: [UInt8], place: String) throws(InteropError) {
        var cursor = ByteCursor(bytes[...], place: place)
        func next() throws(InteropError) -> (value: PickleValue, machine: PickleMachine) {
            var machine = PickleMachine(cursor)
            let (value, rest) = try machine.run()
            cursor = rest
            return (value, machine)
        }
        guard bytes.first == 0x80, case .long(Self.magic) = try next().value else {
            throw InteropError(
                .notRecognised,
                "\(place): expected a file of torch.save, which begins as a zip archive or with its magic "
                    + "number, found something else")
        }
        guard case .int(1001) = try next().value else {
            throw InteropError(
                .refused, "\(place): expected version 1001 of the format, found another one")
        }
        let (facts, about) = try next()
        if case .object(let facts) = facts {
            let items = about.objects[facts].items
            for (key, value) in zip(items, items.dropFirst()) {
                if case .text("little_endian") = key, case .bool(false) = value {
                    throw Self.bigEndian(place)
                }
            }
        }
        let (root, machine) = try next()
        let (keys, list) = try next()
        var types: [Name: StorageType] = [:]
        for object in machine.objects {
            if case .storage(let storage) = object.kind { types[storage.key] = storage.type }
        }
        var storages: [Name: Range<Int>] = [:]
        guard case .object(let keyList) = keys, case .list = list.objects[keyList].kind else {
            throw InteropError(
                .malformed, "\(place): expected a list of storages behind the object, found none")
        }
        for key in list.objects[keyList].items {
            guard case .text(let key) = key, let type = types[key] else {
                throw InteropError(
                    .malformed,
                    "\(place): expected storages that the object names, found another one")
            }
            let (count, overflow) = try cursor.size(8).multipliedReportingOverflow(by: type.size)
            let start = cursor.position
            _ = try cursor.take(overflow ? .max : count)
            guard storages.updateValue(start..<cursor.position, forKey: key) == nil else {
                throw InteropError(
                    .malformed,
                    "\(place): expected storages of different keys, found "
                        + "'\(printable(key.text, limit: 60))' twice; the file is damaged")
            }
        }
        self.root = root
        objects = machine.objects
        self.storages = storages
        self.place = place
    }

    /// 0x1950a86a20f9469cfc6c, little-endian.
    private static let magic: [UInt8] = [
        0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// A safetensors file, each tensor of which is a storage of its own.
    init(safetensors bytes: [UInt8], place: String) throws(InteropError) {
        let contents: Safetensors.Contents
        do throws(ModelFormatError) {
            contents = try Safetensors.read(bytes)
        } catch {
            throw InteropError(.malformed, "\(place): \(error.message)")
        }
        var objects = [PickleObject(kind: .dictionary)]
        var storages: [Name: Range<Int>] = [:]
        let inOrder = contents.tensors.sorted {
            ($0.value.range.lowerBound, $0.key) < ($1.value.range.lowerBound, $1.key)
        }
        for (name, entry) in inOrder {
            guard let type = StorageType(entry.elementType) else {
                throw InteropError(
                    .refused,
                    "\(place), tensor '\(printable(name.text, limit: 60))': elements of type "
                        + "\(entry.elementType.rawValue) are not read; save it as float32")
            }
            // A tensor without elements may have dimensions whose product is too large for a stride.
            var strides = [Int](repeating: 0, count: entry.shape.count)
            var count = entry.range.isEmpty ? 0 : 1
            for axis in strides.indices.reversed() {
                strides[axis] = count
                count *= entry.shape[axis]
            }
            let storage = StorageReference(
                type: type, key: name, count: entry.range.count / type.size)
            objects[0].items += [.text(name), .object(objects.count)]
            objects.append(
                PickleObject(
                    kind: .tensor(
                        TensorReference(
                            storage: storage, offset: 0, shape: entry.shape, strides: strides))))
            storages[name] = entry.range
        }
        root = .object(0)
        self.objects = objects
        self.storages = storages
        self.place = place
    }

    /// The keys under which training programs keep the state dictionary.
    private static let dictionaryKeys: Set<Name> = ["state_dict", "model", "net"]

    private static func bigEndian(_ place: String) -> InteropError {
        InteropError(
            .refused,
            "\(place): expected little-endian storages, found big-endian ones, which are not read; save the "
                + "file on a little-endian machine")
    }

    /// The tensors of the state dictionary, which is the object itself or stands under a key of it, and the
    /// names of what else that dictionary holds.
    ///
    /// - Throws: where several keys hold dictionaries of tensors.
    func contents() throws(InteropError) -> (
        tensors: [(name: Name, reference: TensorReference)], others: [Name]
    ) {
        guard case .object(let root) = root, case .dictionary = objects[root].kind else {
            throw InteropError(
                .refused,
                "\(place): expected a dictionary of tensors, found something else; save "
                    + "model.state_dict()")
        }
        var nested: [(key: Name, place: Int)] = []
        // Each is looked through once: one dictionary may stand under very many keys.
        var seen: Set<Int> = []
        for (key, value) in pairs(root) {
            if case .text(let key) = key, Self.dictionaryKeys.contains(key),
                case .object(let inner) = value, case .dictionary = objects[inner].kind,
                seen.insert(inner).inserted, pairs(inner).contains(where: { tensor($0.1) != nil })
            {
                nested.append((key, inner))
            }
        }
        guard nested.count <= 1 else {
            throw InteropError(
                .refused,
                "\(place): expected one dictionary of tensors, found them under the keys "
                    + nested.prefix(4).map(\.key.text).joined(separator: ", ")
                    + "; save one of them alone")
        }
        var tensors: [(name: Name, reference: TensorReference)] = []
        var others: [Name] = []
        for (key, value) in pairs(nested.first?.place ?? root) {
            if case .text(let name) = key, let reference = tensor(value) {
                tensors.append((name, reference))
            } else {
                others.append(Self.name(key))
            }
        }
        guard !tensors.isEmpty else {
            throw InteropError(
                .notRecognised,
                "\(place): expected tensors in the dictionary or under its key state_dict, model or net, "
                    + "found none")
        }
        return (tensors, others)
    }

    /// The tensor that a value is, or nil.
    private func tensor(_ value: PickleValue) -> TensorReference? {
        guard case .object(let object) = value, case .tensor(let reference) = objects[object].kind
        else { return nil }
        return reference
    }

    /// A key for a message.
    private static func name(_ key: PickleValue) -> Name {
        switch key {
        case .text(let name): name
        case .int(let number): Name("the number \(number)")
        default: "a key that is no text"
        }
    }

    private func pairs(_ place: Int) -> [(PickleValue, PickleValue)] {
        let items = objects[place].items
        return stride(from: 0, to: items.count, by: 2).map { (items[$0], items[$0 + 1]) }
    }
}

extension Name {
    /// What is behind a prefix; nil where the name begins with other bytes. A character that is put together with
    /// the prefix's last one is behind it.
    func without(prefix: Name) -> Name? {
        guard text.utf8.starts(with: prefix.text.utf8) else { return nil }
        return Name(String(decoding: text.utf8.dropFirst(prefix.text.utf8.count), as: UTF8.self))
    }
}
