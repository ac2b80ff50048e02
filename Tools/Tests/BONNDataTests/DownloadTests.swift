import BONNImage
import Foundation
import Testing

@testable import BONNData
@testable import BONNDownload

/// An archive like that of CIFAR-10, made by the tar of the system.
private struct PackedSet {
    let bytes: [UInt8]
    let archive: DatasetArchive

    init(_ scratch: ScratchFolder) throws {
        let set = DatasetSplits(
            kind: .synthetic,
            train: SyntheticDataset(SyntheticOptions(trainCount: 50), split: .train),
            test: SyntheticDataset(SyntheticOptions(testCount: 10), split: .test))
        try DatasetConvert(set, to: .cifar10).run(into: scratch("make/cifar-10-batches-bin"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "tar", "-czf", scratch("made.tar.gz"), "-C", scratch("make"), "cifar-10-batches-bin",
        ]
        try process.run()
        process.waitUntilExit()
        bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch("made.tar.gz"))))
        archive = DatasetArchive(
            name: "cifar10", fileName: "cifar-10-binary.tar.gz", md5: Self.md5(bytes),
            folder: "cifar-10-batches-bin")
    }

    static func md5(_ bytes: [UInt8]) -> String {
        var md5 = MD5()
        bytes.withUnsafeBytes { md5.update($0) }
        return md5.finish()
    }
}

@Suite struct DownloadTests {
    @Test func `an archive is fetched, checked, unpacked and not fetched again`() throws {
        let scratch = try ScratchFolder()
        let packed = try PackedSet(scratch)
        let server = try LoopbackServer(
            answer: LoopbackServer.answer("200 OK", body: packed.bytes))
        defer { server.stop() }
        let download = DatasetDownload(packed.archive, server: server.address)
        let folder = try download.run(into: scratch("data/sets"))
        #expect(folder == scratch("data/sets/cifar-10-batches-bin"))
        let splits = try DatasetSplits.open(scratch("data/sets"))
        #expect(splits.train.count == 50 && splits.test.count == 10)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch("data/sets"))
        #expect(left == ["cifar-10-batches-bin"])
        #expect(try download.run(into: scratch("data/sets")) == folder)
        #expect(server.requests == 1)
    }

    @Test func `the published sums are those of the authors' page`() {
        #expect(
            DatasetArchive.all.map { [$0.name, $0.fileName, $0.md5] } == [
                ["cifar10", "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"],
                ["cifar100", "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"],
            ])
    }

    /// Runs a download that must fail, and checks that it leaves nothing behind.
    private func failure(
        _ archive: DatasetArchive, _ address: String, _ scratch: ScratchFolder
    ) throws -> DataError {
        let error = #expect(throws: DataError.self) {
            try DatasetDownload(archive, server: address).run(into: scratch("data"))
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch("data"))
        #expect(left.isEmpty, "left behind: \(left)")
        return try #require(error)
    }

    private func failure(
        answer: [UInt8], archive: DatasetArchive, _ scratch: ScratchFolder
    ) throws -> DataError {
        let server = try LoopbackServer(answer: answer)
        defer { server.stop() }
        return try failure(archive, server.address, scratch)
    }

    @Test func `a changed archive is refused by its sum`() throws {
        let scratch = try ScratchFolder()
        let packed = try PackedSet(scratch)
        var changed = packed.bytes
        changed[changed.count / 2] ^= 1
        let error = try failure(
            answer: LoopbackServer.answer("200 OK", body: changed), archive: packed.archive, scratch
        )
        #expect(error.code == .checksum)
        #expect(error.message.contains(PackedSet.md5(changed)), "\(error)")
        #expect(error.message.contains("expected \(packed.archive.md5)"), "\(error)")
    }

    @Test func `a transfer that ends early is an error`() throws {
        let scratch = try ScratchFolder()
        let packed = try PackedSet(scratch)
        let error = try failure(
            answer: LoopbackServer.answer(
                "200 OK", body: Array(packed.bytes.prefix(5_000)), length: packed.bytes.count),
            archive: packed.archive, scratch)
        #expect(error.code == .network)
        #expect(error.message.contains("5,000"), "\(error)")
    }

    @Test func `an answer that is not OK is an error with its status`() throws {
        let scratch = try ScratchFolder()
        let packed = try PackedSet(scratch)
        let error = try failure(
            answer: LoopbackServer.answer("404 Not Found", body: Array("no".utf8)),
            archive: packed.archive, scratch)
        #expect(error.code == .network)
        #expect(
            error.message.hasSuffix(
                "/cifar-10-binary.tar.gz: the server answered 404, expected 200 (OK)"), "\(error)")
    }

    @Test func `a server that is not there is an error`() throws {
        let scratch = try ScratchFolder()
        let address = try LoopbackServer.deadAddress()
        let error = try failure(.cifar10, address, scratch)
        #expect(error.code == .network)
        #expect(
            error.message.hasPrefix("\(address)/cifar-10-binary.tar.gz: the transfer failed"),
            "\(error)")
    }

    @Test(arguments: ["cs.toronto.edu", "ftp://127.0.0.1", "https:// server", ""])
    func `an address that is none is an error`(address: String) throws {
        let error = try failure(.cifar10, address, try ScratchFolder())
        #expect(error.message.hasSuffix("is not an http or https address"), "\(error)")
    }

    @Test func `bytes that are no archive are refused with what tar says`() throws {
        let scratch = try ScratchFolder()
        let body = Array("this is not an archive".utf8)
        let archive = DatasetArchive(
            name: "x", fileName: "x.tar.gz", md5: PackedSet.md5(body), folder: "x")
        let error = try failure(
            answer: LoopbackServer.answer("200 OK", body: body), archive: archive, scratch)
        #expect(error.code == .archive)
        #expect(error.message.contains("tar cannot unpack it: "), "\(error)")
    }

    @Test func `an archive without the expected folder is refused`() throws {
        let scratch = try ScratchFolder()
        let packed = try PackedSet(scratch)
        let archive = DatasetArchive(
            name: "x", fileName: "x.tar.gz", md5: packed.archive.md5, folder: "other")
        let error = try failure(
            answer: LoopbackServer.answer("200 OK", body: packed.bytes), archive: archive, scratch)
        #expect(error.message.hasSuffix("holds no folder other, found cifar-10-batches-bin"))
    }

    @Test func `a damaged data set in the place of the download is named`() throws {
        let scratch = try ScratchFolder()
        try scratch.write("x", "cifar-10-batches-bin/data_batch_1.bin")
        let error = #expect(throws: DataError.self) {
            try DatasetDownload(.cifar10, server: "http://127.0.0.1:1").run(into: scratch.path)
        }
        #expect(error?.message.contains("is there but not complete; remove it") == true)
    }
}
