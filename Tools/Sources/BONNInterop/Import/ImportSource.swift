import BONNModelFormat
import BONNNetworks

/// Somebody's network with published weights: its structure, and under which names its checkpoints hold
/// what.
public struct ImportSource: Sendable {
    /// As command lines spell it.
    public let name: String
    /// What it is, in a few words.
    public let title: String
    /// Who published it.
    public let paper: String
    /// Channels of the stem and of each stage; as published unless changed.
    public var widths: [Int]
    /// Height and width of an image; as published unless changed.
    public var side: Int

    let network: NetworkEntry
    let style: any BlockStyle
    let modules: ModuleNames
    let kernels: StoredKernels
    /// What batch norms add to the variance.
    let epsilon: Double

    /// Creates a source whose widths and images are the network's.
    ///
    /// - Precondition: `network` is the name of one.
    init(
        name: String, title: String, paper: String, network: String, style: any BlockStyle,
        modules: ModuleNames, kernels: StoredKernels, epsilon: Double = 1e-5
    ) {
        guard let entry = Networks.named(network) else {
            preconditionFailure("\(name): there is no network \(network)")
        }
        self.name = name
        self.title = title
        self.paper = paper
        self.network = entry
        self.style = style
        self.modules = modules
        self.kernels = kernels
        self.epsilon = epsilon
        widths = entry.widths
        side = entry.input.height
    }

    /// The number of classes of a checkpoint: the rows of its last layer; as published where it has none.
    public func classes(of checkpoint: Checkpoint) -> Int {
        let head = modules.module(of: "head").map { Name("\($0).weight") }
        guard let entry = checkpoint.entries.first(where: { $0.name == head }),
            entry.shape.count == 2, (1...FormatLimits.channels).contains(entry.shape[0])
        else { return network.classes }
        return entry.shape[0]
    }

    /// The network with so many classes.
    func plan(classes: Int) throws(PlanError) -> NetworkPlan {
        try network.plan(
            input: Shape(network.input.channels, side, side), classes: classes, widths: widths,
            style: style)
    }

    /// How all of these networks were evaluated: the shorter side to 256 pixels for a crop of 224, and the
    /// means and deviations of ImageNet. EXIF data turns nothing there.
    var preprocessing: Preprocessing {
        Preprocessing(
            width: side, height: side, resize: .shorterSide(side * 256 / 224), channels: .rgb,
            mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], orientation: .stored)
    }
}

/// What a checkpoint holds of a 1-bit convolution.
enum StoredKernels: Sendable {
    /// `weight`, `[K, C, kh, kw]`: each output channel is one magnitude times signs. Computed with as it is.
    case deployed
    /// `weights`, `[K * C * kh * kw, 1]` in the order of a kernel: latent numbers, of which each output
    /// channel's mean magnitude times their signs is computed with.
    case latentColumn

    /// The name of the tensor behind that of its module.
    var parameter: String {
        switch self {
        case .deployed: "weight"
        case .latentColumn: "weights"
        }
    }

    /// Its shape, of a kernel's.
    func shape(_ kernel: [Int]) -> [Int] {
        switch self {
        case .deployed: kernel
        case .latentColumn: [kernel.reduce(1, *), 1]
        }
    }
}
