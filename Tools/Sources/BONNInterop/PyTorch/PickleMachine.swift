import BONNModelFormat

/// Reads one pickle of the operations that `torch.save` writes (protocol 2), and executes nothing: names of
/// functions and classes are compared with a short list, and what these would make is made here.
///
/// Memory is bounded by the pickle: every operation adds one value at most, nothing is ever copied deeply, and
/// there is a limit to the number of operations, as an operation is a byte and a value is many.
struct PickleMachine {
    /// Everything that is no plain value.
    private(set) var objects: [PickleObject] = []
    private var cursor: ByteCursor
    private var stack: [PickleValue] = []
    /// The heights of the stack at marks that are open.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    /// The most operations of a pickle. A state dictionary takes 30 a tensor.
    static let maximumOperations = 1 << 21
    /// The most dimensions of a tensor. Networks have five; torch allows 64, of which many tensors may claim to
    /// be for five bytes each.
    static let maximumDimensions = 16

    /// A machine that reads from where a cursor stands.
    init(_ cursor: ByteCursor) { self.cursor = cursor }

    /// Reads to the end of the pickle.
    ///
    /// - Returns: its value, and the cursor behind it.
    mutating func run() throws(InteropError) -> (value: PickleValue, rest: ByteCursor) {
        for _ in 0..<Self.maximumOperations {
            let start = cursor.offset
            let operation = try cursor.byte()
            guard operation != UInt8(ascii: ".") else { return (try pop(), cursor) }
            try execute(operation, at: start)
        }
        throw InteropError(
            .limitExceeded,
            "\(cursor.place), byte \(cursor.offset): expected a pickle of at most \(Self.maximumOperations) "
                + "operations, found more; save the weights alone: torch.save(model.state_dict(), PATH)"
        )
    }

    private mutating func execute(_ operation: UInt8, at start: Int) throws(InteropError) {
        switch operation {
        case 0x80:
            let version = try cursor.byte()
            guard version == 2 else {
                throw refused("protocol \(version), expected 2, what torch.save writes", start)
            }
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "K"): stack.append(.int(Int(try cursor.byte())))
        case UInt8(ascii: "M"): stack.append(.int(try cursor.size(2)))
        case UInt8(ascii: "J"):
            stack.append(.int(Int(Int32(truncatingIfNeeded: try cursor.number(4)))))
        case 0x8A: stack.append(Self.integer(try cursor.take(try cursor.size(1))))
        case UInt8(ascii: "G"):
            stack.append(.float(Double(bitPattern: try cursor.number(8).byteSwapped)))
        case UInt8(ascii: "X"): stack.append(.text(Name(try cursor.text(try cursor.size(4)))))
        case UInt8(ascii: "U"): stack.append(.text(Name(try cursor.text(try cursor.size(1)))))
        case UInt8(ascii: "c"):
            let module = try cursor.line()
            stack.append(.global(Name("\(module).\(try cursor.line())")))
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "]"): push(.list, [])
        case UInt8(ascii: "}"): push(.dictionary, [])
        case UInt8(ascii: ")"): push(.tuple, [])
        case UInt8(ascii: "t"): push(.tuple, try popToMark())
        case 0x85, 0x86, 0x87: push(.tuple, try pop(Int(operation) - 0x84))
        case UInt8(ascii: "q"): memo[try cursor.size(1)] = try top()
        case UInt8(ascii: "r"): memo[try cursor.size(4)] = try top()
        case UInt8(ascii: "h"): try remember(try cursor.size(1))
        case UInt8(ascii: "j"): try remember(try cursor.size(4))
        case UInt8(ascii: "a"): try extend(with: try pop(1), start)
        case UInt8(ascii: "e"): try extend(with: try popToMark(), start)
        case UInt8(ascii: "s"): try set(try pop(2), start)
        case UInt8(ascii: "u"): try set(try popToMark(), start)
        case UInt8(ascii: "Q"): try persistent(try pop(), start)
        case UInt8(ascii: "R"):
            let arguments = try pop()
            try call(try pop(), arguments, start)
        case UInt8(ascii: "b"):
            _ = try pop()
            guard let place = Self.place(try top()), objects[place].takesState else {
                throw refused("a state for something that has none", start)
            }
        default:
            throw refused("the operation 0x\(String(operation, radix: 16))", start)
        }
    }

    // MARK: The stack

    private mutating func pop() throws(InteropError) -> PickleValue { try pop(1)[0] }

    private mutating func pop(_ count: Int) throws(InteropError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw underflow }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(InteropError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw underflow }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private func top() throws(InteropError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else { throw underflow }
        return value
    }

    private var underflow: InteropError {
        InteropError(
            .malformed,
            "\(cursor.place), byte \(cursor.offset): expected a value that the pickle made before, found "
                + "none; the file is damaged")
    }

    private mutating func push(_ kind: PickleObject.Kind, _ items: [PickleValue]) {
        objects.append(PickleObject(kind: kind, items: items))
        stack.append(.object(objects.count - 1))
    }

    private mutating func remember(_ key: Int) throws(InteropError) {
        guard let value = memo[key] else { throw underflow }
        stack.append(value)
    }

    private mutating func extend(
        with values: [PickleValue], _ start: Int
    ) throws(InteropError) {
        guard let place = Self.place(try top()), case .list = objects[place].kind else {
            throw refused("elements for something that is no list", start)
        }
        objects[place].items += values
    }

    private mutating func set(_ pairs: [PickleValue], _ start: Int) throws(InteropError) {
        guard pairs.count.isMultiple(of: 2), let place = Self.place(try top()),
            case .dictionary = objects[place].kind
        else { throw refused("keys and values for something that is no dictionary", start) }
        objects[place].items += pairs
    }

    private static func place(_ value: PickleValue) -> Int? {
        if case .object(let place) = value { place } else { nil }
    }

    /// A signed integer of so many bytes, little-endian.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> PickleValue {
        guard bytes.count <= 8 else { return .long(Array(bytes)) }
        var bits: UInt64 = bytes.last.map { $0 >= 0x80 } == true ? .max : 0
        for byte in bytes.reversed() { bits = bits << 8 | UInt64(byte) }
        return .int(Int(Int64(bitPattern: bits)))
    }

    private func refused(_ what: String, _ start: Int) -> InteropError {
        InteropError(
            .refused,
            "\(cursor.place), byte \(start): the pickle asks for \(what), which is not read; save the "
                + "weights alone: torch.save(model.state_dict(), PATH)")
    }

    // MARK: What pickles call

    /// The elements of a tuple.
    private func tuple(_ value: PickleValue) -> [PickleValue]? {
        guard let place = Self.place(value), case .tuple = objects[place].kind else { return nil }
        return objects[place].items
    }

    private mutating func call(
        _ function: PickleValue, _ arguments: PickleValue, _ start: Int
    ) throws(InteropError) {
        guard case .global(let name) = function, let items = tuple(arguments) else {
            throw refused("a call of something that is no name", start)
        }
        switch (name, items.count) {
        case ("collections.OrderedDict", 0): push(.dictionary, [])
        case ("torch.Size", 1): stack.append(items[0])
        case ("torch._utils._rebuild_parameter", 1...): stack.append(items[0])
        case ("torch._utils._rebuild_tensor_v2", 6...), ("torch._utils._rebuild_tensor", 4):
            try tensor(items, start)
        case ("numpy.dtype", _), ("numpy.core.multiarray.scalar", _),
            ("numpy._core.multiarray.scalar", _), ("_codecs.encode", _), ("torch.device", _):
            push(.ignored, [])
        default:
            throw refused("'\(printable(name.text, limit: 60))' of \(items.count) arguments", start)
        }
    }

    /// `('storage', class, key, place, elements)`, and in the older format a view, which must be none.
    private mutating func persistent(
        _ value: PickleValue, _ start: Int
    ) throws(InteropError) {
        guard let items = tuple(value), items.count >= 5, case .text("storage") = items[0],
            case .global(let name) = items[1], case .text(let key) = items[2],
            case .int(let count) = items[4], count >= 0
        else { throw refused("something outside of it that is no storage", start) }
        if items.count > 5 {
            guard case .none = items[5] else {
                throw refused("a view of a storage, as versions before 0.4 wrote them", start)
            }
        }
        guard let type = StorageType.allCases.first(where: { "torch.\($0.rawValue)" == name })
        else { throw refused("a storage of '\(printable(name.text, limit: 60))'", start) }
        push(.storage(StorageReference(type: type, key: key, count: count)), [])
    }

    /// `(storage, offset, shape, strides, ...)`: every element must lie in the storage.
    private mutating func tensor(_ items: [PickleValue], _ start: Int) throws(InteropError) {
        func sizes(_ value: PickleValue) -> [Int]? {
            // Counted first: a long tuple, of which many tensors claim to be, would take a long time.
            guard let items = tuple(value), items.count <= Self.maximumDimensions else {
                return nil
            }
            let sizes = items.compactMap {
                if case .int(let size) = $0, size >= 0 { size } else { nil }
            }
            return sizes.count == items.count ? sizes : nil
        }
        guard let place = Self.place(items[0]), case .storage(let storage) = objects[place].kind,
            case .int(let offset) = items[1], offset >= 0, let shape = sizes(items[2]),
            var strides = sizes(items[3]), shape.count == strides.count
        else { throw refused("a tensor of an unknown form", start) }
        // Nothing is ever a step away where there is one place only: torch writes any number there.
        for axis in shape.indices where shape[axis] <= 1 { strides[axis] = 0 }
        let reference = TensorReference(
            storage: storage, offset: offset, shape: shape, strides: strides)
        guard reference.fits else {
            throw InteropError(
                .malformed,
                "\(cursor.place), byte \(start): expected a tensor within the \(storage.count) elements of "
                    + "its storage, found the shape \(printable("\(shape)", limit: 60)), strides "
                    + "\(printable("\(strides)", limit: 60)) and offset \(offset); an expanded tensor has to "
                    + "be saved as a copy (.contiguous())")
        }
        push(.tensor(reference), [])
    }
}

extension PickleObject {
    /// Whether a state may be given to it, which then is nothing of interest: attributes of ordered
    /// dictionaries and of types of numpy.
    fileprivate var takesState: Bool {
        switch kind {
        case .dictionary, .ignored: true
        case .list, .tuple, .storage, .tensor: false
        }
    }
}

extension TensorReference {
    /// Whether all elements lie in the storage, and are no more than it has.
    fileprivate var fits: Bool {
        var (count, last) = (1, offset)
        for (size, stride) in zip(shape, strides) where size > 0 {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            let (reach, overflowReach) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflowSum) = last.addingReportingOverflow(reach)
            guard !overflow, !overflowReach, !overflowSum else { return false }
            (count, last) = (product, sum)
        }
        if shape.contains(0) { return offset <= storage.count }
        return last < storage.count && count <= storage.count
    }
}
