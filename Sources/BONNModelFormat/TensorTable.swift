/// The tensors of a file, which of them the graph has used, and the checks of their contents.
struct TensorTable {
    private let tensors: [Name: ModelTensor]
    private var unused: Set<Name>
    /// Contents that have been checked, so that a tensor used a thousand times is read once.
    private var checked: Set<Check> = []

    private struct Check: Hashable {
        let name: Name
        let content: Content
    }

    /// What the elements of a tensor must be.
    enum Content: Hashable {
        /// Any bit pattern.
        case any
        /// Neither infinite nor NaN.
        case finite
        /// Not NaN.
        case notNaN
        /// -1, 0 or +1.
        case directions
        /// Rows of this many channels, tail bits 0.
        case bits(channels: Int)
    }

    init(_ tensors: [Name: ModelTensor]) {
        self.tensors = tensors
        unused = Set(tensors.keys)
    }

    /// The element type of a tensor.
    func elementType(
        _ name: Name, place: String
    ) throws(ModelFormatError) -> ModelTensor.ElementType {
        try tensor(name, place: place).elementType
    }

    /// The first dimension of a tensor: the number of outputs of a layer.
    func firstDimension(_ name: Name, place: String) throws(ModelFormatError) -> Int {
        let tensor = try tensor(name, place: place)
        guard let first = tensor.shape.first, first >= 1, first <= FormatLimits.channels else {
            throw ModelFormatError(
                .tensorShape, "\(place), tensor '\(abbreviated(name))'",
                expected: "1 to \(FormatLimits.channels) outputs as the first dimension",
                found: abbreviated("\(tensor.shape)"), fix: "store the tensor in this shape")
        }
        return first
    }

    /// Insists that a tensor exists, is of a type, has one of some shapes and fitting contents.
    mutating func require(
        _ name: Name, _ type: ModelTensor.ElementType, _ shapes: [[Int]], _ content: Content,
        place: String
    ) throws(ModelFormatError) {
        let tensor = try tensor(name, place: place)
        let place = "\(place), tensor '\(abbreviated(name))'"
        guard tensor.elementType == type else {
            throw ModelFormatError(
                .tensorType, place, expected: type.rawValue, found: tensor.elementType.rawValue,
                fix: "store the tensor in this type")
        }
        guard shapes.contains(tensor.shape) else {
            throw ModelFormatError(
                .tensorShape, place,
                expected: shapes.map { "\($0)" }.joined(separator: " or "),
                found: abbreviated("\(tensor.shape)"), fix: "store the tensor in this shape")
        }
        let size = checkedProduct(tensor.shape)?.multipliedReportingOverflow(by: type.size)
        guard let size, !size.overflow, size.partialValue == tensor.bytes.count else {
            throw ModelFormatError(
                .tensorSize, place, expected: "the bytes of \(type.rawValue) \(tensor.shape)",
                found: "\(tensor.bytes.count) bytes", fix: "correct the shape or the bytes")
        }
        unused.remove(name)
        if checked.insert(Check(name: name, content: content)).inserted {
            try check(tensor, content, place: place)
        }
    }

    /// Every tensor of the file must have been required by a node.
    func checkAllUsed() throws(ModelFormatError) {
        guard let name = unused.min() else { return }
        throw ModelFormatError(
            .unreferencedTensor, "tensor '\(abbreviated(name))'",
            expected: "a node of the graph that names it", found: "none",
            fix: "remove the tensor or correct the graph")
    }

    private func tensor(_ name: Name, place: String) throws(ModelFormatError) -> ModelTensor {
        guard let tensor = tensors[name] else {
            throw ModelFormatError(
                .missingTensor, place, expected: "a tensor '\(abbreviated(name))' in the file",
                found: "none", fix: "add the tensor or correct the node")
        }
        return tensor
    }

    private func check(
        _ tensor: ModelTensor, _ content: Content, place: String
    ) throws(ModelFormatError) {
        switch content {
        case .any: break
        // Without their sign, the patterns of numbers, infinity and NaNs follow each other.
        case .finite:
            if let index = Self.firstMagnitude(of: tensor, above: 0x7F7F_FFFF) {
                throw nonFinite(tensor, index, "finite numbers", place: place)
            }
        case .notNaN:
            if let index = Self.firstMagnitude(of: tensor, above: 0x7F80_0000) {
                throw nonFinite(tensor, index, "numbers or infinities", place: place)
            }
        case .directions:
            let directions = tensor.int8s()
            if let index = directions.firstIndex(where: { !(-1...1).contains($0) }) {
                throw ModelFormatError(
                    .thresholdDirection, "\(place), element \(index)", expected: "-1, 0 or 1",
                    found: "\(directions[index])", fix: "see Documentation/model-format.md")
            }
        case .bits(let channels):
            try checkTailBits(tensor, channels: channels, place: place)
        }
    }

    private func nonFinite(
        _ tensor: ModelTensor, _ index: Int, _ expected: String, place: String
    ) -> ModelFormatError {
        ModelFormatError(
            .nonFinite, "\(place), element \(index)", expected: expected,
            found: "\(tensor.floats()[index])", fix: "the network that was exported is broken")
    }

    private func checkTailBits(
        _ tensor: ModelTensor, channels: Int, place: String
    ) throws(ModelFormatError) {
        let allowed = BitLayout.usedBits(ofLastWordForChannels: channels)
        guard allowed != .max else { return }
        let wordsPerRow = BitLayout.words(forChannels: channels)
        let row = tensor.bytes.withUnsafeBytes { raw in
            stride(from: (wordsPerRow - 1) * 8, to: raw.count, by: wordsPerRow * 8).first {
                UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
                    & ~allowed != 0
            }
        }
        guard let row else { return }
        throw ModelFormatError(
            .tailBits, "\(place), word \(row / 8)",
            expected: "zeros above bit \(channels % BitLayout.wordBits - 1)", found: "a one",
            fix: "the bits above the last channel must be 0")
    }

    /// The index of the first 32-bit word that is larger than a limit when its sign bit is 0.
    private static func firstMagnitude(of tensor: ModelTensor, above limit: Int32) -> Int? {
        tensor.bytes.withUnsafeBytes { raw in
            func magnitude(_ index: Int) -> Int32 {
                Int32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self))
                    & 0x7FFF_FFFF
            }
            // The largest first: a loop without a way out takes many words at a time.
            let words = 0..<raw.count / 4
            var largest: Int32 = 0
            for index in words { largest = max(largest, magnitude(index)) }
            return largest > limit ? words.first { magnitude($0) > limit } : nil
        }
    }
}
