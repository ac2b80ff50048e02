/// An archive of a data set as its authors publish it.
public struct DatasetArchive: Sendable, Equatable {
    /// What the command line calls it.
    public let name: String
    /// The name of the file on the authors' server.
    public let fileName: String
    /// Its length in bytes; nothing longer is taken from a server.
    public let size: Int
    /// Its MD5 sum, as the authors' page states it, in hexadecimal digits.
    public let md5: String
    /// The folder that it unpacks to.
    public let folder: String

    /// CIFAR-10, binary version: 162 MiB packed, 176 MiB unpacked.
    public static let cifar10 = DatasetArchive(
        name: "cifar10", fileName: "cifar-10-binary.tar.gz", size: 170_052_171,
        md5: "c32a1d4ab5d03f1284b67883e8d87530", folder: "cifar-10-batches-bin")

    /// CIFAR-100, binary version: 161 MiB packed, 176 MiB unpacked.
    public static let cifar100 = DatasetArchive(
        name: "cifar100", fileName: "cifar-100-binary.tar.gz", size: 168_513_733,
        md5: "03b5dce01913d631647c71ecec9e9cb8", folder: "cifar-100-binary")

    /// Every archive that can be downloaded.
    public static let all = [cifar10, cifar100]

    /// The folder of the authors' server (Krizhevsky, "The CIFAR-10 dataset").
    public static let authorsServer = "https://www.cs.toronto.edu/~kriz"
}
