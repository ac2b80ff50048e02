public import BONNConfiguration
import BONNModelFormat
public import BONNNetworks

/// Everything that decides a network's function, but not its weights.
public struct NetworkConfiguration: Sendable, Codable, Equatable {
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
    /// How it is trained: a name of `Methods.all`.
    public var method: String
    /// Reading of the scale w.
    public var reading: ScaleReading
    /// Gradient of the scale w.
    public var scaleGradient: ScaleGradient
    /// Gradient of the activations' sign.
    public var activationSlope: Slope
    /// Where shortcuts start and end.
    public var shortcut: ShortcutStyle
    /// Where the PReLU stands.
    public var preluPlacement: PReLUPlacement
    /// Standard deviation of the latent weights at the start; part of the method (methods.md 1.5).
    public var latentStd: Double
    /// wbar at the start; 0 means 1 / sqrt(fan-in) of each layer, which keeps a sum's variance near 1.
    public var initialScale: Double
    /// Probability of dropping an element of a convolution's result before the addition.
    public var dropout: Double

    /// Whether the weights behind activation quantizers are the method's, or real ones for the first of two
    /// stages.
    public var weights = LatentWeights.quantized
    /// XNOR-Net: whose backward pass.
    public var xnorSource = XNORSource.paper
    /// ABC-Net: M.
    public var kernelTerms = 3
    /// ABC-Net: N.
    public var activationPlanes = 3

    /// Creates a configuration; what is not given is the recommended reading of the paper.
    public init(
        network: String = "wrn22", widths: [Int]? = nil, stem: Stem? = nil, classes: Int = 10,
        inputChannels: Int = 3, method: String = "bonn",
        reading: ScaleReading = .multiply, scaleGradient: ScaleGradient = .printed,
        activationSlope: Slope = .polynomial, shortcut: ShortcutStyle = .perConvolution,
        preluPlacement: PReLUPlacement = .afterAddition, latentStd: Double = 0.01,
        initialScale: Double = 0, dropout: Double = 0
    ) {
        let entry = Networks.named(network)
        self.network = network
        self.widths = widths ?? entry?.widths ?? []
        self.stem = stem ?? entry?.stem ?? .cifar
        self.classes = classes
        self.inputChannels = inputChannels
        self.method = method
        self.reading = reading
        self.scaleGradient = scaleGradient
        self.activationSlope = activationSlope
        self.shortcut = shortcut
        self.preluPlacement = preluPlacement
        self.latentStd = latentStd
        self.initialScale = initialScale
        self.dropout = dropout
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
        guard latentStd > 0, latentStd.isFinite else {
            throw NetworkError("model.latent_std: expected a number above 0, found \(latentStd)")
        }
        guard initialScale >= 0, initialScale.isFinite else {
            throw NetworkError(
                "model.initial_scale: expected 0 (automatic) or more, found \(initialScale)")
        }
        guard dropout >= 0, dropout < 1 else {
            throw NetworkError("model.dropout: expected 0 up to below 1, found \(dropout)")
        }
        guard Methods.named(method) != nil else {
            throw NetworkError(
                "model.method: expected one of \(Methods.all.map(\.card.name).joined(separator: ", ")), "
                    + "found \(printable(method, limit: 60))")
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
