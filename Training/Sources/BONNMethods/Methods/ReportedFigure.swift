/// An accuracy that is printed of a method, to stand beside one's own.
public struct ReportedFigure: Sendable, Equatable {
    /// A set of images that papers report on.
    public enum Images: String, Sendable, Codable {
        /// 10 classes of 32x32.
        case cifar10 = "CIFAR-10"
        /// 100 classes of 32x32.
        case cifar100 = "CIFAR-100"
        /// ILSVRC 2012, validation images, 224x224.
        case imageNet = "ImageNet"
    }

    /// How sure the number is.
    public enum Source: String, Sendable, Codable {
        /// Read in the authors' paper or code.
        case authors = "S"
        /// Read in a table of others, or in a repository.
        case others = "C"
        /// From memory.
        case memory = "M"
    }

    /// The network: a name of `Networks.all`, with widths where they are printed (`wrn22 16-16-32-64`), else what
    /// the paper calls it.
    public let network: String
    /// What it was measured on.
    public let images: Images
    /// In percent.
    public let top1: Double
    /// How sure the number is.
    public let source: Source
    /// What was different from the method alone, such as a teacher; may be empty.
    public let note: String

    /// Creates a figure.
    public init(
        _ network: String, _ images: Images, _ top1: Double, _ source: Source = .authors,
        note: String = ""
    ) {
        self.network = network
        self.images = images
        self.top1 = top1
        self.source = source
        self.note = note
    }
}
