import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

@Suite struct `Names` {
    private static let composed: Name = "\u{E9}"
    private static let decomposed: Name = "e\u{301}"

    @Test func `two spellings of one character are two names`() {
        #expect(Self.composed.text == Self.decomposed.text, "String compares characters")
        #expect(Self.composed != Self.decomposed)
        #expect(Set([Self.composed, Self.decomposed]).count == 2)
        #expect(Self.decomposed < Self.composed, "0x65 comes before 0xC3")
    }

    @Test func `names sort, compare and hash as their bytes`() {
        var generator = SeededGenerator(seed: 71)
        let scalars: [Unicode.Scalar] = [
            "a", "e", "z", "\u{301}", "\u{323}", "\u{E9}", "\u{1E9B}", "\u{1F40E}",
        ]
        let names = (0..<200).map { _ in
            var text = ""
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                text.unicodeScalars.append(scalars.randomElement(using: &generator)!)
            }
            return Name(text)
        }
        for first in names {
            for second in names {
                let (a, b) = (Array(first.text.utf8), Array(second.text.utf8))
                #expect((first == second) == (a == b))
                #expect((first < second) == a.lexicographicallyPrecedes(b))
                if first == second { #expect(first.hashValue == second.hashValue) }
            }
        }
    }

    @Test func `an output in another spelling than its node is not found`() throws {
        var model = Sample.uncertified()
        let node = model.metadata.graph.nodes.count - 1
        model.metadata.graph.nodes[node].name = Self.decomposed
        model.metadata.graph.output = Self.decomposed
        #expect(try ModelFile(bytes: model.serialized()) == model)
        model.metadata.graph.output = Self.composed
        let error = #expect(throws: ModelFormatError.self) { try model.validate() }
        #expect(error?.code == .undefinedValue)
    }

    @Test func `two tensors whose names differ in spelling alone are two tensors`() throws {
        let bytes = try Safetensors.write(tensors: [
            .init(name: Self.composed, elementType: .u8, shape: [1], bytes: [1]),
            .init(name: Self.decomposed, elementType: .u8, shape: [1], bytes: [2]),
        ])
        let tensors = try Safetensors.read(bytes).tensors
        #expect(bytes[try #require(tensors[Self.composed]).range] == [1])
        #expect(bytes[try #require(tensors[Self.decomposed]).range] == [2])
    }

    /// Swift's `String` takes time in the square of the number of marks on one letter.
    @Test(arguments: ["key", "dtype", "metadata", "operation", "name"])
    func `a name of a hundred thousand marks is refused at once`(place: String) throws {
        let marks = "a" + String(repeating: "\u{301}\u{323}", count: 50_000)
        let tensor = #"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#
        let bytes: [UInt8]
        switch place {
        case "key": bytes = Forge.container(header: "{\"\(marks)\":\(tensor)}", data: [0, 0, 0, 0])
        case "dtype":
            bytes = Forge.container(
                header: "{\"a\":\(tensor)}".replacing("F32", with: marks), data: [0, 0, 0, 0])
        case "metadata":
            bytes = Forge.container(header: "{\"__metadata__\":{\"format\":\"\(marks)\"}}")
        default:
            var forge = try Forge(Sample.uncertified())
            let old = place == "operation" ? #""operation":"flatten""# : #""name":"image""#
            let key = place == "operation" ? "operation" : "name"
            forge.replace(old, "\"\(key)\":\"\(marks)\"")
            bytes = try forge.bytes()
        }
        // The thread's own time: a machine that does something else does not count.
        let start = Self.processorSeconds
        #expect(throws: ModelFormatError.self) { try ModelFile(bytes: bytes) }
        #expect(Self.processorSeconds - start < 1)
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
