import BONNImage
import Crypto
import Foundation

@testable import BONNData
@testable import BONNDownload

/// An archive like that of CIFAR-10, made by the tar of the system.
struct PackedSet {
    let bytes: [UInt8]
    let archive: DatasetArchive

    init(_ scratch: ScratchFolder) throws {
        let set = DatasetSplits(
            kind: .synthetic,
            train: SyntheticDataset(SyntheticOptions(trainCount: 50), split: .train),
            test: SyntheticDataset(SyntheticOptions(testCount: 10), split: .test))
        try DatasetConvert(set, to: .cifar10).run(into: scratch("make/cifar-10-batches-bin"))
        bytes = try Self.packed("cifar-10-batches-bin", in: scratch("make"), scratch)
        archive = Self.described(bytes, folder: "cifar-10-batches-bin")
    }

    /// A folder, packed.
    static func packed(
        _ name: String, in folder: String, _ scratch: ScratchFolder
    ) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar", "-czf", scratch("made.tar.gz"), "-C", folder, name]
        try process.run()
        process.waitUntilExit()
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: scratch("made.tar.gz"))))
    }

    /// The description of an archive of these bytes.
    static func described(_ bytes: [UInt8], folder: String) -> DatasetArchive {
        DatasetArchive(
            name: "cifar10", fileName: "cifar-10-binary.tar.gz", size: bytes.count,
            md5: md5(bytes), folder: folder)
    }

    static func md5(_ bytes: [UInt8]) -> String {
        Insecure.MD5.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
    }
}
