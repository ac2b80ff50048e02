import BONNModelFormat

/// A tensor as the file holds it: `TensorProto`. Its elements stay in the file until they are asked for.
///
/// | field | |
/// |---|---|
/// | 1 | dims, int64 each |
/// | 2 | data_type, as `ONNXElement` numbers it |
/// | 4, 5, 7, 10 | elements as float_data, int32_data, int64_data, double_data |
/// | 8 | name |
/// | 9 | raw_data: all elements, little-endian; instead of the fields before |
/// | 13, 14 | external_data, data_location 1: elements in another file |
struct ONNXTensor {
    let name: Name
    let shape: [Int]
    let element: ONNXElement
    /// The product of the shape.
    let count: Int
    private let raw: Range<Int>?
    private let message: ProtobufReader
    private let place: String

    /// Dimensions that a tensor may have.
    static let mostDimensions = 8

    /// Reads what a tensor says of itself.
    init(_ reader: ProtobufReader, place: String) throws(InteropError) {
        message = reader
        var reader = reader
        var (name, type, raw, isExternal): (String, Int, Range<Int>?, Bool) = ("", 0, nil, false)
        var shape: [Int] = []
        while let field = try reader.next() {
            switch field.number {
            case 1:
                try reader.integers(field) { (size) throws(InteropError) in
                    guard shape.count < Self.mostDimensions else {
                        throw InteropError(
                            .limitExceeded,
                            "\(field.place): expected a tensor of at most \(Self.mostDimensions) "
                                + "dimensions, found more; no 1-bit network needs them")
                    }
                    shape.append(size)
                }
            case 2: type = try reader.integer(field)
            case 8: name = try reader.text(field)
            case 9: raw = try reader.range(field)
            case 13: isExternal = true
            case 14: isExternal = try reader.integer(field) == 1 || isExternal
            default: break
            }
        }
        self.name = Name(name)
        self.shape = shape
        self.raw = raw
        let place = "\(place), tensor '\(printable(name, limit: 60))'"
        self.place = place
        guard !isExternal else {
            throw InteropError(
                .refused,
                "\(place): expected its elements in this file, found a reference to another one; save the "
                    + "model as one file (onnx.save_model with save_as_external_data=False)")
        }
        guard let element = ONNXElement(rawValue: type) else {
            throw InteropError(
                .unsupported,
                "\(place): expected elements of FLOAT, DOUBLE, UINT8, INT8, INT32, INT64 or BOOL, found data "
                    + "type \(type); export the model in float32")
        }
        self.element = element
        guard let count = ConstantShape.count(shape, atMost: .max) else {
            throw InteropError(
                .malformed,
                "\(place): expected a shape of sizes whose product is a number of elements, found "
                    + "\(shape); the file is damaged")
        }
        self.count = count
        if let raw, raw.count / element.size != count || raw.count % element.size != 0 {
            throw Self.wrongCount(
                place, shape, "\(count) elements of \(element.size) bytes", "\(raw.count) bytes")
        }
    }

    private static func wrongCount(
        _ place: String, _ shape: [Int], _ expected: String, _ found: String
    ) -> InteropError {
        InteropError(
            .malformed,
            "\(place): expected \(expected) for its shape \(shape), found \(found); the file is cut or "
                + "damaged")
    }

    /// The elements.
    ///
    /// - Throws: `.malformed` where there are more or fewer than the shape says, `.unsupported` for float64 numbers
    ///   that float32 does not have.
    func constant(of file: [UInt8]) throws(InteropError) -> ONNXConstant {
        // An empty raw_data stands beside nothing: a reader cannot tell it from a missing one.
        guard let raw, !raw.isEmpty else { return try typedElements() }
        let size = element.size
        func bits(_ index: Int) -> UInt64 {
            var bits: UInt64 = 0
            for byte in 0..<size {
                bits |= UInt64(file[raw.lowerBound + index * size + byte]) << UInt64(8 * byte)
            }
            return bits
        }
        switch element {
        case .float:
            let values = (0..<count).map { Float(bitPattern: UInt32(truncatingIfNeeded: bits($0))) }
            return ONNXConstant(shape, .floats(values))
        case .double:
            var values: [Float] = []
            values.reserveCapacity(count)
            for index in 0..<count { values.append(try float(Double(bitPattern: bits(index)))) }
            return ONNXConstant(shape, .floats(values))
        case .uint8: return ONNXConstant(shape, .ints((0..<count).map { Int(bits($0)) }))
        case .int8:
            return ONNXConstant(
                shape, .ints((0..<count).map { Int(Int8(truncatingIfNeeded: bits($0))) }))
        case .int32:
            return ONNXConstant(
                shape, .ints((0..<count).map { Int(Int32(truncatingIfNeeded: bits($0))) }))
        case .int64:
            return ONNXConstant(
                shape, .ints((0..<count).map { Int(truncatingIfNeeded: bits($0)) }))
        case .bool: return ONNXConstant(shape, .bools((0..<count).map { bits($0) != 0 }))
        }
    }

    /// Elements in the field of their type, which is read once more, until there are as many as there may be.
    private func typedElements() throws(InteropError) -> ONNXConstant {
        var floats: [Float] = []
        var ints: [Int] = []
        var reader = message
        func room(_ found: Int) throws(InteropError) {
            guard found < count else {
                throw Self.wrongCount(place, shape, "\(count) elements", "more")
            }
        }
        while let field = try reader.next() {
            switch (field.number, element) {
            case (4, .float):
                try reader.numbers(field, bytes: 4) { (bits) throws(InteropError) in
                    try room(floats.count)
                    floats.append(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
                }
            case (10, .double):
                try reader.numbers(field, bytes: 8) { (bits) throws(InteropError) in
                    try room(floats.count)
                    floats.append(try float(Double(bitPattern: bits)))
                }
            case (5, .uint8), (5, .int8), (5, .int32), (5, .bool), (7, .int64):
                try reader.integers(field) { (number) throws(InteropError) in
                    try room(ints.count)
                    guard element.range.contains(number) else {
                        throw InteropError(
                            .malformed,
                            "\(place): expected elements of \(element.range.lowerBound) to "
                                + "\(element.range.upperBound), found \(number)")
                    }
                    ints.append(number)
                }
            default: break
            }
        }
        let isReal = element == .float || element == .double
        let found = isReal ? floats.count : ints.count
        guard found == count else {
            throw Self.wrongCount(place, shape, "\(count) elements", "\(found)")
        }
        if isReal { return ONNXConstant(shape, .floats(floats)) }
        return ONNXConstant(shape, element == .bool ? .bools(ints.map { $0 != 0 }) : .ints(ints))
    }

    private func float(_ double: Double) throws(InteropError) -> Float {
        let float = Float(double)
        guard Double(float) == double || double.isNaN else {
            throw InteropError(
                .unsupported,
                "\(place): expected float64 elements that are float32 numbers, found \(double); export the "
                    + "model in float32")
        }
        return float
    }
}

/// The element types that are read, as TensorProto numbers them.
enum ONNXElement: Int {
    case float = 1
    case uint8 = 2
    case int8 = 3
    case int32 = 6
    case int64 = 7
    case bool = 9
    case double = 11

    /// Bytes per element in raw_data.
    var size: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .float, .int32: 4
        case .int64, .double: 8
        }
    }

    /// What an integer of the type may be.
    var range: ClosedRange<Int> {
        switch self {
        case .uint8: 0...255
        case .int8: -128...127
        case .int32: Int(Int32.min)...Int(Int32.max)
        case .bool: 0...1
        case .int64, .float, .double: Int.min...Int.max
        }
    }
}
