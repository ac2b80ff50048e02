/// The networks of the paper.
public enum Architecture: String, Sendable, Codable, CaseIterable {
    /// Wide ResNet of depth 22: 6 convolutions in each of 3 stages (6n + 4, n = 3).
    case wrn22
    /// Wide ResNet of depth 40: 12 convolutions in each of 3 stages.
    case wrn40
    /// ResNet-18: 4 convolutions in each of 4 stages.
    case resnet18
    /// ResNet-34: 6, 8, 12 and 6 convolutions.
    case resnet34

    /// Inner convolutions per stage.
    public var convolutions: [Int] {
        switch self {
        case .wrn22: [6, 6, 6]
        case .wrn40: [12, 12, 12]
        case .resnet18: [4, 4, 4, 4]
        case .resnet34: [6, 8, 12, 6]
        }
    }

    /// Stem and stages of the paper.
    public var defaultWidths: [Int] {
        switch self {
        case .wrn22, .wrn40: [16, 16, 32, 64]
        case .resnet18, .resnet34: [64, 64, 128, 256, 512]
        }
    }

    /// The stem of the paper.
    public var defaultStem: Stem {
        switch self {
        case .wrn22, .wrn40: .cifar
        case .resnet18, .resnet34: .imagenet
        }
    }
}

/// The first layers of a network, always real.
public enum Stem: String, Sendable, Codable, CaseIterable {
    /// 3x3 convolution, batch norm, PReLU.
    case cifar
    /// 7x7 convolution with stride 2, batch norm, PReLU, 3x3 max pooling with stride 2.
    case imagenet

    /// The images that the paper feeds it.
    public var defaultImageSize: ImageSize { self == .imagenet ? 224 : 32 }
}

/// What the inner convolutions are.
public enum Method: String, Sendable, Codable, CaseIterable {
    /// 1-bit weights and activations with BONN's scale, mu and sigma.
    case bonn
    /// The same network in full precision: real convolutions, no sign.
    case real
}

/// Where shortcuts start and end.
public enum ShortcutStyle: String, Sendable, Codable, CaseIterable {
    /// Around every convolution (the authors' code).
    case perConvolution
    /// Around two convolutions (He et al., 2016).
    case classic
}

/// Where the PReLU of a block stands.
public enum PReLUPlacement: String, Sendable, Codable, CaseIterable {
    /// PReLU(convolution + shortcut): the authors' code.
    case afterAddition
    /// PReLU(convolution) + shortcut: the paper's figure 2.
    case beforeAddition
}

/// Everything that decides a network's function, but not its weights.
public struct NetworkConfiguration: Sendable, Codable, Equatable {
    /// Which network.
    public var model: Architecture
    /// Channels of the stem and of each stage.
    public var widths: [Int]
    /// The first layers.
    public var stem: Stem
    /// Number of classes.
    public var classes: Int
    /// 3 for colour, 1 for gray.
    public var inputChannels: Int
    /// 1-bit or real.
    public var method: Method
    /// Reading of the scale w.
    public var reading: ScaleReading
    /// Gradient of the scale w.
    public var scaleGradient: ScaleGradient
    /// Gradient of the activations' sign.
    public var activationEstimator: ActivationEstimator
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

    /// Creates a configuration; what is not given is the recommended reading of the paper.
    public init(
        model: Architecture, widths: [Int]? = nil, stem: Stem? = nil, classes: Int = 10,
        inputChannels: Int = 3, method: Method = .bonn, reading: ScaleReading = .multiply,
        scaleGradient: ScaleGradient = .printed,
        activationEstimator: ActivationEstimator = .polynomial,
        shortcut: ShortcutStyle = .perConvolution, preluPlacement: PReLUPlacement = .afterAddition,
        latentStd: Double = 0.01, initialScale: Double = 0, dropout: Double = 0
    ) {
        self.model = model
        self.widths = widths ?? model.defaultWidths
        self.stem = stem ?? model.defaultStem
        self.classes = classes
        self.inputChannels = inputChannels
        self.method = method
        self.reading = reading
        self.scaleGradient = scaleGradient
        self.activationEstimator = activationEstimator
        self.shortcut = shortcut
        self.preluPlacement = preluPlacement
        self.latentStd = latentStd
        self.initialScale = initialScale
        self.dropout = dropout
    }

    /// Checks what can be checked without an image: widths, classes, ranges.
    public func validate() throws(NetworkError) {
        let stages = model.convolutions.count
        guard widths.count == stages + 1, widths.allSatisfy({ (1...65_536).contains($0) }) else {
            throw NetworkError(
                "model.widths: expected \(stages + 1) channel numbers from 1 to 65536 for "
                    + "\(model.rawValue) (stem and \(stages) stages, such as "
                    + "\(model.defaultWidths.map(String.init).joined(separator: "-"))), found "
                    + widths.map(String.init).joined(separator: "-"))
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
    }

    /// The size of the last feature maps that images of a size become.
    public func featureSize(of images: ImageSize) -> ImageSize {
        let behindStem = stem == .imagenet ? images.halved.halved : images
        return model.convolutions.dropFirst().reduce(behindStem) { size, _ in size.halved }
    }

    /// Checks that images of this size pass through the network: every size does, even or odd, from
    /// 1 to `ImageSize.sides.upperBound`, because strides round up everywhere.
    ///
    /// - Throws: `NetworkError` that names the nearest size that fits.
    public func validate(height: Int, width: Int) throws(NetworkError) {
        try validate()
        let size = ImageSize(height: height, width: width)
        let sides = ImageSize.sides
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
