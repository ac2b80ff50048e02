import Foundation
import Testing

/// `bonn data`, run in a folder of its own.
@Suite(.serialized) struct DataCommandTests {
    private let folder = TemporaryFolder()

    private func convert(output: String) throws -> Tool.Ending {
        try Tool(
            ["data", "convert", "synthetic:20", "--to", "images", "--output", output],
            in: folder.path
        ).wait()
    }

    private func contents() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }

    @Test(arguments: [".", "./"])
    func `an empty folder can be filled from inside`(output: String) throws {
        let ending = try convert(output: output)
        #expect(ending.status == 0, "\(ending.errors)")
        #expect(try contents() == ["train", "test"])
    }

    @Test(arguments: [".", "./"])
    func `a folder with nothing but hidden files is refused and keeps them`(
        output: String
    ) throws {
        try FileManager.default.createDirectory(
            atPath: folder.path + "/.git", withIntermediateDirectories: false)
        try Data("precious".utf8).write(to: URL(fileURLWithPath: folder.path + "/.git/config"))
        let ending = try convert(output: output)
        #expect(ending.status == 1)
        #expect(
            ending.errors
                == "Error: .: holds .git, expected a new or an empty folder\n", "\(ending.errors)")
        #expect(try contents() == [".git"])
        #expect(
            try String(contentsOfFile: folder.path + "/.git/config", encoding: .utf8) == "precious")
    }

    @Test func `all parts are shown, and what there is to know of them`() throws {
        let drawn = try convert(output: "set")
        try #require(drawn.status == 0, "\(drawn.errors)")
        let files = FileManager.default
        let set = folder.path + "/set"
        try files.moveItem(atPath: set + "/train", toPath: set + "/Train")
        try files.copyItem(atPath: set + "/test", toPath: set + "/VALID")
        let classes = try files.contentsOfDirectory(atPath: set + "/VALID").sorted()
        try files.removeItem(atPath: set + "/VALID/" + classes[0])
        try Data("x".utf8).write(to: URL(fileURLWithPath: set + "/Train/readme.txt"))
        let notes = [
            "set/Train: left out: 1 other file",
            "set/VALID has 9 of the 10 classes of set/Train, without \(classes[0])",
        ]
        let text = try Tool(["data", "info", "set"], in: folder.path).wait()
        let lines = text.output.split(separator: "\n").map(String.init)
        #expect(lines[0] == "image_folder, 3 channels, 10 classes")
        #expect(Array(lines[1..<3]) == notes, "\(text.output)")
        #expect(
            lines[3].split(separator: " ") == ["train", "validation", "test"], "\(lines[3])")
        let json = try Tool(["data", "info", "set", "--json"], in: folder.path).wait()
        let report = try #require(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(report["notes"] as? [String] == notes)
        let parts = ["train", "validation", "test"].map { report[$0] as? [String: Any] }
        #expect(parts.map { $0?["images"] as? Int } == [20, 9, 10])
        #expect(parts.map { $0?["ignored_files"] as? Int } == [1, 0, 0])
    }

    @Test func `a folder of classes alone is written in two parts, and that is said`() throws {
        try #require(try convert(output: "set").status == 0)
        let ending = try Tool(
            ["data", "convert", "set/train", "--to", "images", "--output", "parts"],
            in: folder.path
        ).wait()
        #expect(ending.status == 0)
        #expect(
            ending.errors.contains(
                "Note: no test images beside set/train: 20 % of each class, 10 images drawn by seed 1"
            ),
            "\(ending.errors)")
        #expect(try contents() == ["set", "parts"])
    }
}
