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
}
