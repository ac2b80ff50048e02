import BONNImage
import BONNModelFormat
import Foundation
import Testing

@testable import BONNData

/// What a conversion does with the folder that it is told to write, and what is in it.
@Suite struct ConvertOutputTests {
    private let scratch: ScratchFolder
    private let drawn: DatasetSplits

    init() throws {
        scratch = try ScratchFolder()
        drawn = try DatasetSplits.open("synthetic:20")
    }

    private func convert(
        to format: DatasetConvert.Format = .images, into folder: String
    ) throws {
        try DatasetConvert(drawn, to: format).run(into: folder)
    }

    /// Runs a conversion that must fail before the first image is read.
    private func refusal(of folder: String) throws -> String {
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(drawn, to: .images).run(into: folder) { _, _ in
                Issue.record("the work started")
            }
        }
        #expect(error?.code == .unwritable)
        return try #require(error).message
    }

    private func link(_ name: String, to destination: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: scratch(name), withDestinationPath: destination)
    }

    @Test(arguments: [".git/config", ".env", "...", ".part", "visible"])
    func `a folder with anything in it is refused, and keeps it`(name: String) throws {
        try scratch.write("precious", "out/" + name)
        let message = try refusal(of: scratch("out"))
        let entry = name.split(separator: "/")[0]
        #expect(
            message
                == "\(scratch("out")): holds \(entry), expected a new or an empty folder")
        #expect(try String(contentsOfFile: scratch("out/" + name), encoding: .utf8) == "precious")
        #expect(try scratch.contents() == ["out"])
    }

    @Test func `an entry whose name is no text counts as well`() throws {
        try scratch.makeFolder("out")
        let name = Array(scratch("out/").utf8) + [0x2E, 0xE9, 0]
        let file = name.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                open($0.baseAddress!, O_CREAT | O_WRONLY, 0o600)
            }
        }
        // A disk that takes no such name needs no such test.
        guard file >= 0 else { return }
        close(file)
        #expect(try refusal(of: scratch("out")).contains("holds .\\351, expected"))
    }

    @Test func `files and links that lead to no empty folder are refused before the work`() throws {
        try scratch.write("precious", "file")
        try link("to-file", to: scratch("file"))
        try link("dangling", to: scratch("nowhere"))
        try link("loop", to: scratch("loop"))
        #expect(
            try refusal(of: scratch("file"))
                == "\(scratch("file")): is not a folder, expected a new or an empty folder")
        #expect(try refusal(of: scratch("to-file")).contains("is a link to something else"))
        #expect(try refusal(of: scratch("dangling")).contains("is a link that leads nowhere"))
        #expect(try refusal(of: scratch("loop")).contains("is a link that leads nowhere"))
        #expect(try refusal(of: "").contains("has an empty name"))
        #expect(try refusal(of: scratch("nowhere/..")).contains("no such folder"))
        #expect(try scratch.contents() == ["file", "to-file", "dangling", "loop"])
    }

    @Test(arguments: ["out", "out/", "out//", "out/.", "out/./", "deep/er/out/"])
    func `a new folder is made, with those above it`(name: String) throws {
        try convert(into: scratch(name))
        #expect(try DatasetSplits.open(scratch(name)).train.count == 20)
        let top = try #require(name.split(separator: "/").first)
        #expect(try scratch.contents() == [String(top)])
    }

    @Test(arguments: DatasetConvert.Format.allCases)
    func `an empty folder stays the folder that it is`(format: DatasetConvert.Format) throws {
        guard format != .idx else { return }
        try scratch.makeFolder("real")
        try link("link", to: scratch("real"))
        let before = try status(scratch("real")).st_ino
        try convert(to: format, into: scratch("link/"))
        #expect(try status(scratch("real")).st_ino == before)
        #expect(try DatasetSplits.open(scratch("real")).train.count == 20)
        let hidden = try FileManager.default.contentsOfDirectory(atPath: scratch("real"))
            .filter { $0.hasPrefix(".") }
        #expect(hidden.isEmpty)
    }

    @Test func `a folder that is being filled by another process is not touched`() throws {
        try scratch.write("precious", ".out.part/file")
        #expect(try refusal(of: scratch("out")).contains("another process is writing"))
        #expect(
            try String(contentsOfFile: scratch(".out.part/file"), encoding: .utf8) == "precious")
        #expect(try scratch.contents() == [".out.part"])
    }

    /// Throws at its last image, after `meddle` was called.
    private struct Failing: WrappedDataset {
        let base: any ImageDataset
        let meddle: @Sendable () throws -> Void
        func image(at index: Int) throws(DataError) -> PixelBuffer {
            guard index < count - 1 else {
                try? meddle()
                throw DataError(.brokenImage, "the last image is broken")
            }
            return try base.image(at: index)
        }
    }

    private func failLate(
        into folder: String, _ format: DatasetConvert.Format = .images,
        _ meddle: @escaping @Sendable () throws -> Void = {}
    ) throws {
        let splits = DatasetSplits(
            kind: .synthetic, train: drawn.train,
            test: Failing(base: drawn.test, meddle: meddle))
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(splits, to: format).run(into: folder)
        }
        #expect(error?.message == "the last image is broken")
    }

    @Test(arguments: [DatasetConvert.Format.images, .cifar10])
    func `a conversion that fails leaves nothing behind`(format: DatasetConvert.Format) throws {
        try failLate(into: scratch("a/b/out"), format)
        #expect(try scratch.contents().isEmpty)
        try scratch.makeFolder("empty")
        try failLate(into: scratch("empty"), format)
        #expect(try scratch.contents() == ["empty"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch("empty")).isEmpty)
    }

    @Test func `what somebody puts into the unfinished folder survives a failure`() throws {
        let path = scratch(".out.part/train/mine")
        try failLate(into: scratch("out")) {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            try Data("precious".utf8).write(to: URL(fileURLWithPath: path + "/file"))
        }
        #expect(try String(contentsOfFile: path + "/file", encoding: .utf8) == "precious")
        let left = try FileManager.default.subpathsOfDirectory(atPath: scratch(".out.part"))
        #expect(Set(left) == ["train", "train/mine", "train/mine/file"])
    }

    @Test(arguments: ["", "empty/"])
    func `what appears in the place of the result is not written over`(inside: String) throws {
        if !inside.isEmpty { try scratch.makeFolder("empty") }
        let output = inside.isEmpty ? scratch("out") : scratch("empty")
        let taken = inside.isEmpty ? output : output + "/test"
        let error = #expect(throws: DataError.self) {
            try DatasetConvert(drawn, to: .images).run(into: output) { done, total in
                if done == total {
                    try? Data("precious".utf8).write(to: URL(fileURLWithPath: taken))
                }
            }
        }
        #expect(error?.message == "\(taken): appeared meanwhile, and is not written over")
        #expect(try String(contentsOfFile: taken, encoding: .utf8) == "precious")
        #expect(try scratch.contents() == [inside.isEmpty ? "out" : "empty"])
        if !inside.isEmpty {
            #expect(try FileManager.default.contentsOfDirectory(atPath: output) == ["test"])
        }
    }

    private func status(_ path: String) throws -> stat {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status
    }
}
