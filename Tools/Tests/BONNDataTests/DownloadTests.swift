import BONNImage
import Foundation
import Testing

@testable import BONNData
@testable import BONNDownload

@Suite struct DownloadTests {
    private let scratch: ScratchFolder
    private let packed: PackedSet

    init() throws {
        scratch = try ScratchFolder()
        packed = try PackedSet(scratch)
    }

    private func left() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch("data")).sorted()
    }

    @Test func `an archive is fetched, checked, unpacked and not fetched again`() throws {
        let body = packed.bytes
        let server = try LoopbackServer { _ in .init("200 OK", body: body) }
        defer { server.stop() }
        let download = DatasetDownload(packed.archive, server: server.address)
        let folder = try download.run(into: scratch("data/sets"))
        #expect(folder == scratch("data/sets/cifar-10-batches-bin"))
        let splits = try DatasetSplits.open(scratch("data/sets"))
        #expect(splits.train.count == 50 && splits.test.count == 10)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch("data/sets"))
        #expect(left == ["cifar-10-batches-bin"])
        #expect(try download.run(into: scratch("data/sets")) == folder)
        #expect(server.requests.count == 1)
    }

    @Test func `sums and lengths are those of the published archives`() {
        #expect(
            DatasetArchive.all.map { [$0.name, $0.fileName, "\($0.size)", $0.md5] } == [
                [
                    "cifar10", "cifar-10-binary.tar.gz", "170052171",
                    "c32a1d4ab5d03f1284b67883e8d87530",
                ],
                [
                    "cifar100", "cifar-100-binary.tar.gz", "168513733",
                    "03b5dce01913d631647c71ecec9e9cb8",
                ],
            ])
    }

    /// Runs a download that must fail and leave nothing but what is kept.
    private func failure(
        _ archive: DatasetArchive, _ address: String, keeping kept: [String] = []
    ) throws -> DataError {
        let error = #expect(throws: DataError.self) {
            try DatasetDownload(archive, server: address).run(into: scratch("data"))
        }
        #expect(try left() == kept)
        return try #require(error)
    }

    private func failure(
        answer: LoopbackServer.Answer, archive: DatasetArchive, keeping kept: [String] = []
    ) throws -> DataError {
        let server = try LoopbackServer { _ in answer }
        defer { server.stop() }
        return try failure(archive, server.address, keeping: kept)
    }

    @Test func `a changed archive is refused by its sum`() throws {
        var changed = packed.bytes
        changed[changed.count / 2] ^= 1
        let error = try failure(answer: .init("200 OK", body: changed), archive: packed.archive)
        #expect(error.code == .checksum)
        #expect(error.message.contains(PackedSet.md5(changed)), "\(error)")
        #expect(error.message.contains("expected \(packed.archive.md5)"), "\(error)")
    }

    @Test func `an answer that is not OK is an error with its status`() throws {
        let error = try failure(
            answer: .init("404 Not Found", body: Array("no".utf8)), archive: packed.archive,
            keeping: [part])
        #expect(error.code == .network)
        #expect(
            error.message.hasSuffix(
                "/cifar-10-binary.tar.gz: the server answered 404, expected 200 (OK)"), "\(error)")
    }

    @Test func `a server that is not there is an error`() throws {
        let address = try LoopbackServer.deadAddress()
        let error = try failure(.cifar10, address, keeping: [part])
        #expect(error.code == .network)
        #expect(
            error.message.hasPrefix("\(address)/cifar-10-binary.tar.gz: the transfer failed"),
            "\(error)")
    }

    @Test(arguments: ["cs.toronto.edu", "ftp://127.0.0.1", "https:// server", ""])
    func `an address that is none is an error`(address: String) throws {
        let error = try failure(.cifar10, address, keeping: [part])
        #expect(error.message.hasSuffix("is not an http or https address"), "\(error)")
    }

    @Test func `bytes that are no archive are refused with what tar says`() throws {
        let body = Array("this is not an archive".utf8)
        let error = try failure(
            answer: .init("200 OK", body: body), archive: PackedSet.described(body, folder: "x"),
            keeping: [part])
        #expect(error.code == .archive)
        #expect(error.message.contains("tar cannot unpack it: "), "\(error)")
        #expect(
            error.message.hasSuffix(
                "the archive stays at \(scratch("data/" + part)), the next try begins with it"),
            "\(error)")
    }

    @Test func `an archive with anything outside its folder is refused`() throws {
        let error = try failure(
            answer: .init("200 OK", body: packed.bytes),
            archive: PackedSet.described(packed.bytes, folder: "other"), keeping: [part])
        #expect(
            error.message.contains(
                "holds cifar-10-batches-bin/, expected nothing outside the folder other"),
            "\(error)")
    }

    @Test(arguments: ["a\u{1B}[2J", "back\\slash"])
    func `an archive with names that are not plain is refused, and they are shown as text`(
        name: String
    ) throws {
        try scratch.write("x", "odd/set/" + name)
        let body = try PackedSet.packed("set", in: scratch("odd"), scratch)
        let error = try failure(
            answer: .init("200 OK", body: body), archive: PackedSet.described(body, folder: "set"),
            keeping: [part])
        #expect(error.message.contains("expected plain names"), "\(error)")
        #expect(error.message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(error)")
    }

    @Test func `an archive that unpacks to no data set leaves nothing of it`() throws {
        try scratch.write("x", "odd/set/deep/er/file")
        try scratch.write("x", "odd/set/data_batch_1.bin")
        let body = try PackedSet.packed("set", in: scratch("odd"), scratch)
        let error = try failure(
            answer: .init("200 OK", body: body), archive: PackedSet.described(body, folder: "set"),
            keeping: [part])
        #expect(error.message.contains("batches.meta.txt: no such file"), "\(error)")
    }

    @Test func `a damaged data set in the place of the download is named`() throws {
        try scratch.write("x", "cifar-10-batches-bin/data_batch_1.bin")
        let error = #expect(throws: DataError.self) {
            try DatasetDownload(.cifar10, server: "http://127.0.0.1:1").run(into: scratch.path)
        }
        #expect(error?.message.contains("is there but not complete; remove it") == true)
    }

    @Test func `a hidden file in the place of the download is kept`() throws {
        try scratch.write("precious", "data/cifar-10-batches-bin/.env")
        let error = try failure(
            .cifar10, "http://127.0.0.1:1", keeping: ["cifar-10-batches-bin"])
        #expect(error.message.contains("is there but not complete; remove it"), "\(error)")
        #expect(
            try String(contentsOfFile: scratch("data/cifar-10-batches-bin/.env"), encoding: .utf8)
                == "precious")
    }

    private let part = ".cifar-10-binary.tar.gz.part"
}
