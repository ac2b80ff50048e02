import BONNModelFormat
import BONNTestSupport
import Testing

@Suite struct `Safetensors files` {
    /// A tensor of every element type, a scalar, an empty one, and names that need escapes.
    static func tensors() -> [Safetensors.Tensor] {
        var generator = SeededGenerator(seed: 30)
        func tensor(_ name: Name, _ type: Safetensors.ElementType, _ shape: [Int])
            -> Safetensors.Tensor
        {
            let count = shape.reduce(1, *) * type.bits / 8
            return Safetensors.Tensor(
                name: name, elementType: type, shape: shape,
                bytes: (0..<count).map { _ in UInt8.random(in: 0...1, using: &generator) })
        }
        return Safetensors.ElementType.allCases.map { tensor("t.\($0.rawValue)", $0, [4, 3, 2]) }
            + [
                tensor("scalar", .f64, []), tensor("empty", .f32, [0, 5]),
                tensor("naïve \"name\"", .u8, [3]), tensor("optimiser/step", .i64, [1]),
            ]
    }

    @Test func `any element type is read back as written`() throws {
        let tensors = Self.tensors()
        let metadata: [(key: Name, value: String)] = [
            (key: "epoch", value: "3"), (key: "config", value: "{\"a\":\n1}"),
        ]
        let bytes = try Safetensors.write(metadata: metadata, tensors: tensors)
        let contents = try Safetensors.read(bytes)
        #expect(contents.metadata == ["epoch": "3", "config": "{\"a\":\n1}"])
        #expect(contents.tensors.count == tensors.count)
        for tensor in tensors {
            let entry = try #require(contents.tensors[tensor.name])
            #expect(entry.elementType == tensor.elementType)
            #expect(entry.shape == tensor.shape)
            #expect(Array(bytes[entry.range]) == tensor.bytes, "\(tensor.name)")
        }
        let layout = try Safetensors.layout(metadata: metadata, tensors: tensors)
        #expect(layout.fileBytes == bytes.count)
        #expect(layout.header.count % 8 == 0)
        #expect(layout.header == Array(bytes[..<layout.header.count]))
    }

    @Test func `the beginning of a file tells whether its size is right`() throws {
        let bytes = try Safetensors.write(metadata: [("epoch", "3")], tensors: Self.tensors())
        let end = try Safetensors.headerEnd(Array(bytes[..<10]), fileBytes: bytes.count)
        #expect(try Safetensors.read(bytes).tensors.values.map(\.range.lowerBound).min() == end)
        let beginning = Array(bytes[..<end])
        try Safetensors.checkHeader(beginning, fileBytes: bytes.count)
        for (size, code) in [
            (bytes.count - 1, ModelFormatError.Code.dataTruncated), (1 << 60, .dataTrailing),
        ] {
            let error = #expect(throws: ModelFormatError.self) {
                try Safetensors.checkHeader(beginning, fileBytes: size)
            }
            #expect(error?.code == code)
        }
        let error = #expect(throws: ModelFormatError.self) {
            _ = try Safetensors.headerEnd(Array(bytes[..<10]), fileBytes: end - 1)
        }
        #expect(error?.code == .headerTruncated)
    }

    @Test func `the order in which tensors are given does not matter`() throws {
        let tensors = Self.tensors()
        var generator = SeededGenerator(seed: 31)
        let first = try Safetensors.write(tensors: tensors)
        for _ in 0..<5 {
            #expect(try Safetensors.write(tensors: tensors.shuffled(using: &generator)) == first)
        }
    }

    @Test func `files of nothing are valid`() throws {
        #expect(try Safetensors.read(Forge.container(header: "{}")).tensors.isEmpty)
        #expect(try Safetensors.read(Safetensors.write(tensors: [])).metadata.isEmpty)
        let spaces = Forge.container(header: "{}      ")
        #expect(try Safetensors.read(spaces).tensors.isEmpty)
    }

    @Test func `what could not be read is not written`() throws {
        func code(_ tensors: [Safetensors.Tensor]) -> ModelFormatError.Code? {
            do {
                _ = try Safetensors.write(tensors: tensors)
                return nil
            } catch {
                return error.code
            }
        }
        func tensor(_ name: Name, _ shape: [Int] = [1], bytes: Int = 4) -> Safetensors.Tensor {
            Safetensors.Tensor(
                name: name, elementType: .f32, shape: shape,
                bytes: [UInt8](repeating: 0, count: bytes))
        }
        #expect(code([tensor("a"), tensor("b")]) == nil)
        #expect(code([tensor("a"), tensor("a")]) == .invalidName)
        #expect(code([tensor("")]) == .invalidName)
        #expect(code([tensor("__metadata__")]) == .invalidName)
        #expect(code([tensor("a", [2])]) == .tensorSize)
        #expect(code([tensor("a", [-1])]) == .tensorSize)
        #expect(code([tensor("a", [.max, .max, 0], bytes: 0)]) == nil)
        #expect(code([tensor("a", [0, -1], bytes: 0)]) == .tensorSize)
        #expect(code([tensor(Name(String(repeating: "x", count: FormatLimits.nameBytes)))]) == nil)
        #expect(
            code([tensor(Name(String(repeating: "x", count: FormatLimits.nameBytes + 1)))])
                == .invalidName)
        let long = #expect(throws: ModelFormatError.self) {
            let text = String(repeating: "x", count: Safetensors.maximumHeaderBytes)
            return try Safetensors.write(metadata: [("a", text)], tensors: [])
        }
        #expect(long?.code == .headerTooLong)
        let twice = #expect(throws: ModelFormatError.self) {
            try Safetensors.write(metadata: [("a", "1"), ("a", "2")], tensors: [])
        }
        #expect(twice?.code == .jsonDuplicateKey)
    }

    @Test func `byte counts are exact and never overflow`() {
        #expect(Safetensors.byteCount(.f32, shape: [2, 3]) == 24)
        #expect(Safetensors.byteCount(.f4, shape: [4]) == 2)
        #expect(Safetensors.byteCount(.f4, shape: [3]) == nil)
        #expect(Safetensors.byteCount(.f6e2m3, shape: [4]) == 3)
        #expect(Safetensors.byteCount(.u8, shape: []) == 1)
        #expect(Safetensors.byteCount(.u8, shape: [.max]) == nil)
        #expect(Safetensors.byteCount(.u8, shape: [.max, 2]) == nil)
        #expect(Safetensors.byteCount(.u8, shape: [.max, 0, 2]) == 0)
        #expect(Safetensors.byteCount(.u8, shape: [2, -1]) == nil)
    }

    @Test func `the elements of a model tensor come back exactly`() {
        let floats: [Float] = [0, -0.0, 1.5, .infinity, .leastNonzeroMagnitude]
        let tensor = ModelTensor(f32: floats, shape: [5])
        #expect(tensor.floats().map(\.bitPattern) == floats.map(\.bitPattern))
        #expect(Array(tensor.bytes[8..<12]) == [0, 0, 0xC0, 0x3F])
        #expect(ModelTensor(u64: [1, .max], shape: [2, 1]).words() == [1, .max])
        #expect(Array(ModelTensor(u64: [0x0102], shape: [1]).bytes) == [2, 1, 0, 0, 0, 0, 0, 0])
        #expect(ModelTensor(i32: [.min, -1], shape: [2]).int32s() == [.min, -1])
        #expect(ModelTensor(i8: [.min, 127], shape: [2]).int8s() == [.min, 127])
    }
}
