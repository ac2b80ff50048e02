/// A model file in memory: the metadata and the tensors, before or after the bytes.
public struct ModelFile: Sendable, Equatable {
    /// Graph, preprocessing, class names, provenance, certificate.
    public var metadata: ModelMetadata
    /// The tensors by name.
    public var tensors: [Name: ModelTensor]

    /// Creates a model file value.
    public init(metadata: ModelMetadata, tensors: [Name: ModelTensor]) {
        self.metadata = metadata
        self.tensors = tensors
    }
}

/// Everything in a model file that is not a tensor.
public struct ModelMetadata: Sendable, Equatable {
    /// The graph.
    public var graph: Graph
    /// How an image becomes the network's input; nil when the network does not read images.
    public var preprocessing: Preprocessing?
    /// The names of the classes, in the order of the logits; may be empty.
    public var classNames: [Name]
    /// Where the network comes from: free keys and values (method, recipe, dataset, accuracy, commit, date).
    public var provenance: [Name: String]
    /// The result of the comparison with the training network; nil if none was made.
    public var parity: ParityCertificate?

    /// Creates metadata.
    public init(
        graph: Graph, preprocessing: Preprocessing? = nil, classNames: [Name] = [],
        provenance: [Name: String] = [:], parity: ParityCertificate? = nil
    ) {
        self.graph = graph
        self.preprocessing = preprocessing
        self.classNames = classNames
        self.provenance = provenance
        self.parity = parity
    }
}

/// How an image file becomes the input of a network, the same for training, evaluation and inference.
public struct Preprocessing: Sendable, Equatable {
    /// How the image is brought to size before the crop.
    public enum Resize: Sendable, Equatable {
        /// Not at all: the image must have the input's size.
        case none
        /// Both sides to the input's size, whatever the aspect ratio.
        case stretch
        /// The shorter side to this many pixels, then a centre crop of the input's size.
        case shorterSide(Int)
    }
    /// The channels of the input: 3 (red, green, blue) or 1 (gray).
    public enum Channels: String, Sendable, CaseIterable {
        /// Red, green, blue.
        case rgb
        /// Luma, by ITU-R 601-2.
        case gray
    }
    /// Which way up an image file is read.
    public enum Orientation: String, Sendable, CaseIterable {
        /// As its EXIF data says that it was held: turned and mirrored as Pillow's
        /// `ImageOps.exif_transpose` does.
        case exif
        /// As its rows are stored, whatever EXIF says.
        case stored
    }
    /// The input's width in pixels.
    public var width: Int
    /// The input's height in pixels.
    public var height: Int
    /// How the image is brought to size (antialiased bilinear, as Pillow's).
    public var resize: Resize
    /// Channel order.
    public var channels: Channels
    /// Per channel, in units of a full-scale pixel (0...1): x = (pixel / 255 - mean) / std.
    /// All 0 (and `std` all 1) when the network's input is bytes: it reads the pixels themselves.
    public var mean: [Float]
    /// Per channel, in the same units.
    public var std: [Float]
    /// Which way up an image file is read, before everything else; `stored` in files that do not say.
    public var orientation: Orientation

    /// Creates a preprocessing rule.
    public init(
        width: Int, height: Int, resize: Resize, channels: Channels, mean: [Float], std: [Float],
        orientation: Orientation = .stored
    ) {
        self.width = width
        self.height = height
        self.resize = resize
        self.channels = channels
        self.mean = mean
        self.std = std
        self.orientation = orientation
    }
}

/// The proof that the file computes what the trained network computes.
public struct ParityCertificate: Sendable, Equatable {
    /// How many images were compared.
    public var images: Int
    /// Share of images with the same top-1 class, 0...1.
    public var top1Agreement: Double
    /// Largest difference of a logit.
    public var maxAbsDifference: Double
    /// Largest difference of a logit over the largest logit of its image.
    public var maxRelativeDifference: Double
    /// The kernel sets that were compared.
    public var kernels: [String]
    /// The network that was compared (`ModelFile.networkDigest()`); nil in files of version 1 alone.
    public var network: SHA256.Digest?

    /// Creates a certificate.
    public init(
        images: Int, top1Agreement: Double, maxAbsDifference: Double,
        maxRelativeDifference: Double, kernels: [String], network: SHA256.Digest? = nil
    ) {
        self.images = images
        self.top1Agreement = top1Agreement
        self.maxAbsDifference = maxAbsDifference
        self.maxRelativeDifference = maxRelativeDifference
        self.kernels = kernels
        self.network = network
    }
}
