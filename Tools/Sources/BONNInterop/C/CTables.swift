import BONNModelFormat

/// The const tables of an exported network, each once, however many nodes read it.
struct CTables {
    /// Their definitions.
    private(set) var text = ""
    /// What they take in flash.
    private(set) var byteCount = 0

    private let name: CName
    private let tensors: [Name: ModelTensor]
    private var identifiers: [Key: String] = [:]
    private var layers: [CLayer: String] = [:]

    /// More than any device without an operating system has, and a source that compilers still take.
    static let mostBytes = 1 << 25

    /// In which order and form a tensor is written.
    enum Form: Hashable {
        /// As it is stored.
        case stored
        /// `[K, C, taps]` as `[K, taps, C]`.
        case channelsLast(channels: Int, taps: Int)
        /// Rows of bits in 32-bit words.
        case words(channels: Int)
    }

    private struct Key: Hashable {
        let tensor: Name
        let form: Form
    }

    private enum Elements {
        case floats([Float])
        case words([UInt32])
        case integers([Int32])
        case bytes([Int8])
    }

    init(name: CName, tensors: [Name: ModelTensor]) {
        self.name = name
        self.tensors = tensors
    }

    /// The identifier of a tensor's table.
    mutating func table(_ tensor: Name, _ form: Form = .stored) throws(InteropError) -> String {
        let key = Key(tensor: tensor, form: form)
        if let identifier = identifiers[key] { return identifier }
        let identifier = "\(name.text)_t\(identifiers.count)"
        identifiers[key] = identifier
        guard let stored = tensors[tensor] else {
            throw InteropError(
                .malformed, "the model has no tensor '\(printable(tensor.text, limit: 60))'")
        }
        try reserve(stored.bytes.count)
        text += "/* \(CText.comment(tensor.text)) */\n"
        append(Self.elements(stored, form), identifier)
        return identifier
    }

    /// As `table(_:_:)` of a tensor that may be missing.
    mutating func table(_ tensor: Name?) throws(InteropError) -> String {
        guard let tensor else { return "NULL" }
        return try table(tensor)
    }

    /// The directions of a threshold; `NULL` where all are 1, which needs no table.
    mutating func directions(_ tensor: Name) throws(InteropError) -> String {
        let isPlain = tensors[tensor]?.int8s().allSatisfy { $0 == 1 } == true
        return isPlain ? "NULL" : try table(tensor)
    }

    /// Numbers that no tensor holds.
    mutating func floats(_ values: [Float], _ suffix: String) throws(InteropError) -> String {
        try reserve(4 * values.count)
        let identifier = "\(name.text)_\(suffix)"
        append(.floats(values), identifier)
        return identifier
    }

    /// The address of a window's numbers.
    mutating func layer(_ layer: CLayer) throws(InteropError) -> String {
        if let identifier = layers[layer] { return identifier }
        let identifier = "\(name.text)_l\(layers.count)"
        layers[layer] = "&" + identifier
        try reserve(4 * layer.numbers.count)
        byteCount += 4 * layer.numbers.count
        let numbers = layer.numbers.map(String.init).joined(separator: ", ")
        text += "static const bonn_layer \(identifier) = {\(numbers)};\n\n"
        return "&" + identifier
    }

    /// The only number of a tensor, as a literal.
    func number(_ tensor: Name) -> String {
        CText.literal(tensors[tensor]?.floats().first ?? 0)
    }

    /// What steps through a scale of one number, or of one a channel.
    func step(_ tensor: Name?) -> Int {
        guard let tensor, let count = tensors[tensor]?.shape.first else { return 0 }
        return count == 1 ? 0 : 1
    }

    /// What the elements of a tensor are.
    func elementType(_ tensor: Name) -> ModelTensor.ElementType? { tensors[tensor]?.elementType }

    private func reserve(_ bytes: Int) throws(InteropError) {
        guard bytes <= Self.mostBytes - byteCount else {
            throw InteropError(
                .limitExceeded,
                "the weights: expected at most \(Self.mostBytes) bytes of tables in C, found more; "
                    + "networks of this size run with the runtime on devices that have one")
        }
    }

    private mutating func append(_ elements: Elements, _ identifier: String) {
        switch elements {
        case .floats(let values): append(values, "float", 4, identifier) { CText.literal($0) }
        case .words(let values): append(values, "uint32_t", 4, identifier) { CText.literal($0) }
        case .integers(let values): append(values, "int32_t", 4, identifier) { CText.literal($0) }
        case .bytes(let values): append(values, "int8_t", 1, identifier) { "\($0)" }
        }
    }

    private mutating func append<Element>(
        _ values: [Element], _ type: String, _ size: Int, _ identifier: String,
        literal: (Element) -> String
    ) {
        byteCount += size * values.count
        text += "static const \(type) \(identifier)[\(values.count)] = {"
        var width = 100
        for value in values {
            let number = literal(value)
            width += number.utf8.count + 2
            if width > 98 {
                text += "\n    "
                width = 4 + number.utf8.count + 1
            } else {
                text += " "
            }
            text += number
            text += ","
        }
        text += "\n};\n\n"
    }

    private static func elements(_ tensor: ModelTensor, _ form: Form) -> Elements {
        switch tensor.elementType {
        case .f32: .floats(ordered(tensor.floats(), form))
        case .i8: .bytes(ordered(tensor.int8s(), form))
        case .i32: .integers(tensor.int32s())
        case .u64: .words(halves(tensor.words(), form))
        }
    }

    private static func ordered<Element>(_ values: [Element], _ form: Form) -> [Element] {
        guard case .channelsLast(let channels, let taps) = form else { return values }
        return values.indices.map { index in
            let channel = index % channels
            let tap = index / channels % taps
            let output = index / (channels * taps)
            return values[(output * channels + channel) * taps + tap]
        }
    }

    /// Words of 64 bits as two of 32, the lower one first, without halves that no channel reaches.
    private static func halves(_ words: [UInt64], _ form: Form) -> [UInt32] {
        guard case .words(let channels) = form else { return [] }
        let row = BitLayout.words(forChannels: channels)
        let isHalf = channels % 64 != 0 && channels % 64 <= 32
        var result: [UInt32] = []
        result.reserveCapacity(2 * words.count)
        for (index, word) in words.enumerated() {
            result.append(UInt32(truncatingIfNeeded: word))
            if index % row == row - 1 && isHalf { continue }
            result.append(UInt32(truncatingIfNeeded: word >> 32))
        }
        return result
    }
}
