import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// Lists of class names in files, as any system writes them.
@Suite struct ClassListTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func message(_ text: String) throws -> String? {
        try scratch.write(text, "names.txt")
        do throws(DataError) {
            let names = try ClassNames.read(scratch("names.txt"), what: "names")
            try ClassNames.check(names, place: "names.txt")
            return nil
        } catch {
            return error.message
        }
    }

    @Test(arguments: ["\n", "\r\n", "\r"], ["", "\u{FEFF}"])
    func `any line end will do, with a byte order mark or without`(
        ending: String, mark: String
    ) throws {
        // A combining mark at the start of a line belongs to no line end.
        let names: [Name] = ["a", "b c", "\u{301}x", "caf\u{E9}"]
        for last in ["", ending, ending + ending, ending + " \t" + ending] {
            let text = mark + names.map(\.text).joined(separator: ending) + last
            #expect(ClassNames.parse(Array(text.utf8)) == names, "\(text.debugDescription)")
        }
    }

    @Test func `blanks around a name and empty lines between names stay what they are`() {
        #expect(ClassNames.parse(Array(" a\t\r\n\r\nb".utf8)) == ["a", "", "b"])
        #expect(ClassNames.parse(Array("\u{A0}a".utf8)) == ["\u{A0}a"])
        #expect(ClassNames.parse([]) == [])
        #expect(ClassNames.parse([0x61, 0xFF]) == nil)
    }

    @Test func `what cannot be read back as it is, is no list`() {
        #expect(ClassNames.list(["a", "b c"]) == Array("a\nb c\n".utf8))
        for name: Name in ["", " a", "a\t", "a\nb", "a\r", "\u{FEFF}a"] {
            #expect(ClassNames.list([name]) == nil, "\(name)")
        }
    }

    @Test func `one name in two forms, or twice, or too long is refused`() throws {
        #expect(try message("caf\u{E9}\ncafe\u{301}\n")?.contains("Unicode form alone") == true)
        #expect(try message("a\nb\na\n") == "names.txt: names the class 'a' twice")
        // Combining marks: text that Swift compares in quadratic time.
        let start = ContinuousClock().now
        #expect(
            try message(String(repeating: "\u{301}", count: 200_000))?.contains(
                "has a name of 400,000 bytes, expected at most 512") == true)
        #expect(
            try message(String(repeating: "a\n", count: 600_000))?.contains("1200000 bytes") == true
        )
        #expect(ContinuousClock().now - start < .seconds(5))
    }

    @Test(arguments: ["\r\n", "\r"])
    func `lists of CIFAR and of IDX with other line ends name the same classes`(
        ending: String
    ) throws {
        try DatasetConvert(try DatasetSplits.open("synthetic:50"), to: .cifar10)
            .run(into: scratch("set"))
        let path = scratch("set/batches.meta.txt")
        let names = try DatasetSplits.open(scratch("set")).train.classNames
        let text = "\u{FEFF}" + names.map(\.text).joined(separator: ending) + ending + ending
        try scratch.write(text, "set/batches.meta.txt")
        #expect(try DatasetSplits.open(scratch("set")).train.classNames == names)
        try scratch.write(
            text.replacing(names[0].text, with: "caf\u{E9}").replacing(
                names[1].text, with: "cafe\u{301}"), "set/batches.meta.txt")
        let error = try #require(openingError(scratch("set")))
        #expect(error.message.hasPrefix("\(path): the classes"), "\(error)")
        try images(ending)
    }

    private func images(_ ending: String) throws {
        for part in ["train", "test"] {
            for name in ["a", "b"] {
                let gray = randomImage(4, 4, channels: 1, seed: 1)
                try scratch.write(gray.rgb(), "gray/\(part)/\(name)/1.png")
            }
        }
        try DatasetConvert(try DatasetSplits.open(scratch("gray")), to: .idx).run(
            into: scratch("idx"))
        try scratch.write("a\(ending)b\(ending)", "idx/label_names.txt")
        #expect(try DatasetSplits.open(scratch("idx")).train.classNames == ["a", "b"])
    }
}
