public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks

/// Everything that decides a network's function, but not its weights.
public struct NetworkConfiguration: Sendable, Equatable {
    /// Which network: a name of `Networks.all`.
    public var network: String
    /// Channels of the stem and of each stage.
    public var widths: [Int]
    /// The first layers.
    public var stem: Stem
    /// Number of classes.
    public var classes: Int
    /// 3 for colour, 1 for gray.
    public var inputChannels: Int
    /// The outputs of layers that have others than the network was published with: what pruning has left.
    public var channels: [NamedNumber] = []
    /// The share of a batch in the running statistics of batch norms.
    public var normMomentum = 0.1
    /// How it is trained.
    public var method: MethodConfiguration

    /// Creates a configuration; widths and stem that are not given are those of the network's paper.
    public init(
        network: String = Networks.all[0].name, widths: [Int]? = nil, stem: Stem? = nil,
        classes: Int = 10, inputChannels: Int = 3, method: any Method = Methods.usual,
        weights: LatentWeights = .quantized
    ) {
        let entry = Networks.named(network)
        self.network = network
        self.widths = widths ?? entry?.widths ?? []
        self.stem = stem ?? entry?.stem ?? .cifar
        self.classes = classes
        self.inputChannels = inputChannels
        self.method = MethodConfiguration(method, weights: weights)
    }

    /// The size of the images that the network was published for.
    public var publishedSize: ImageSize {
        guard let entry = Networks.named(network), entry.stem == nil else {
            return stem == .imagenet ? 224 : 32
        }
        return ImageSize(height: entry.input.height, width: entry.input.width)
    }

    func entry() throws(NetworkError) -> NetworkEntry {
        guard let entry = Networks.named(network) else {
            throw NetworkError(
                "model.name: expected one of \(Networks.all.map(\.name).joined(separator: ", ")), "
                    + "found \(printable(network, limit: 60))")
        }
        return entry
    }

    /// Checks what can be checked without an image: widths, classes, ranges.
    public func validate() throws(NetworkError) {
        let entry = try entry()
        do throws(PlanError) {
            try entry.check(widths: widths)
        } catch {
            throw NetworkError("model.widths: \(error.message)")
        }
        guard classes >= 2 else {
            throw NetworkError("model.classes: expected at least 2, found \(classes)")
        }
        guard inputChannels == 1 || inputChannels == 3 else {
            throw NetworkError("model.input_channels: expected 1 or 3, found \(inputChannels)")
        }
        for key in method.ownKeys where !key.holds(in: method) {
            throw NetworkError(
                "method.\(key.path) is \(key.text(in: method)), expected \(key.expected)")
        }
    }

    /// Checks that images of this size pass through the network.
    ///
    /// - Throws: `NetworkError` that names the nearest size that fits.
    public func validate(height: Int, width: Int) throws(NetworkError) {
        try validate()
        let size = ImageSize(height: height, width: width)
        let sides =
            max(ImageSize.sides.lowerBound, try entry().smallestSide)...ImageSize.sides.upperBound
        func nearest(_ side: Int) -> Int { min(max(side, sides.lowerBound), sides.upperBound) }
        let fitting = ImageSize(height: nearest(height), width: nearest(width))
        guard fitting == size else {
            throw NetworkError(
                "images of \(height)x\(width) do not fit a network: expected sides from "
                    + "\(sides.lowerBound) to \(sides.upperBound); the nearest size is "
                    + "augmentation.image_size = \(fitting)")
        }
    }
}

extension NetworkConfiguration {
    /// The keys of the section `model:`. Another network brings its own widths and stem.
    public static let keys: [Key<NetworkConfiguration>] = [
        .name(
            "name", \.network, of: Networks.all.map(\.name),
            "the network; sets widths and stem to the paper's unless they are given"
        ).decisive { model, before in
            guard model.network != before.network, let network = Networks.named(model.network)
            else { return }
            model.widths = network.widths
            model.stem = network.stem ?? .cifar
            model.channels = []
        },
        .integers("widths", \.widths, in: 1...65_536, "channels of stem and stages"),
        .choice("stem", \.stem, "3x3 for small images or 7x7/2 with pooling"),
        .integer(
            "classes", \.classes, in: 0...1_000_000, "outputs; 0: as the data set"),
        .integer(
            "input_channels", \.inputChannels, in: 0...1024,
            "channels of the images; 0: as the data set"),
        .namedNumbers(
            "channels", \.channels, in: 1...65_536,
            "outputs of layers that filters were pruned from, LAYER=OUTPUTS"),
        .number(
            "norm_momentum", \.normMomentum, in: 1e-6...1,
            "share of a batch in the running statistics of batch norms"
        ).varyingByStage(),
    ]
}

/// A network that can not be built; the message says which value is wrong and what is possible.
public struct NetworkError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, where, what was expected and what to do.
    public let message: String

    /// Creates an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
