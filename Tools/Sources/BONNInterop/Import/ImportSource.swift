import BONNModelFormat
import BONNNetworks

/// Somebody's network with published weights: its structure, and under which names its checkpoints hold
/// what. All of it is data, which a recipe can say as well as the source.
public struct ImportSource: Sendable {
    /// As command lines spell it.
    public var name: String
    /// What it is, in a few words.
    public var title: String
    /// Who published it.
    public var paper: String

    /// The name of a network: one of `ImportNetworks.all`.
    var network: String
    /// Channels, as the network counts them.
    public var widths: [Int]
    /// Height and width of an image.
    public var side: Int
    /// The order of the layers, where the network leaves it open.
    var block: SequenceBlock
    /// Behind the mean of each channel.
    var head: [BlockLayer] = []

    /// Which layer is which module.
    var modules: ModuleNames
    /// What is stored of 1-bit convolutions.
    var kernels = StoredKernels()
    /// What batch norms add to the variance.
    var epsilon = 1e-5
    /// Batch norms, by rules as those of `modules`, whose checkpoints have statistics and nothing else.
    var bareNorms = ModuleNames([])
    /// Tensors beside a 1-bit kernel that inference does not need.
    var unused: [String] = []
    /// How images become numbers.
    var images = SourceImages.imageNet

    /// Creates a source whose widths and images are the network's.
    ///
    /// - Precondition: `network` is the name of one.
    init(
        name: String, title: String, paper: String, network: String, block: SequenceBlock,
        modules: ModuleNames
    ) {
        guard let entry = ImportNetworks.named(network) else {
            preconditionFailure("\(name): there is no network \(network)")
        }
        self.name = name
        self.title = title
        self.paper = paper
        self.network = network
        self.block = block
        self.modules = modules
        widths = entry.widths
        side = entry.input.height
    }

    /// Its name for a message: a recipe may say any.
    var shownName: String { printable(name, limit: 60) }

    private var entry: NetworkEntry {
        guard let entry = ImportNetworks.named(network) else {
            preconditionFailure("there is no network \(network)")
        }
        return entry
    }

    /// The number of classes of a checkpoint: the rows of its last layer; as published where it has none.
    public func classes(of checkpoint: Checkpoint) -> Int {
        let head = modules.module(of: "head").map { Name("\($0).weight") }
        guard let entry = checkpoint.entries.first(where: { $0.name == head }),
            entry.shape.count >= 2, (1...FormatLimits.channels).contains(entry.shape[0])
        else { return entry.classes }
        return entry.shape[0]
    }

    /// The network with so many classes.
    ///
    /// - Throws: `PlanError` for layers where the network has none, and for what the network itself refuses.
    func plan(classes: Int) throws(PlanError) -> NetworkPlan {
        guard images.mean.count == images.std.count else {
            throw PlanError(
                "images.std: expected \(images.mean.count) deviations, as many as there are means, found "
                    + "\(images.std.count)")
        }
        let plan = try entry.plan(
            input: Shape(entry.input.channels, side, side), classes: classes, widths: widths,
            style: block)
        var layers: [(name: Name, layer: LayerPlan)] = []
        for layer in head {
            guard let plain = layer.plain, plain != .quantize else {
                throw PlanError(
                    "network.head: expected norm, bias, scale, prelu, relu or hardtanh, found "
                        + layer.rawValue)
            }
            layers.append(("ending.\(layer.rawValue)", plain))
        }
        return layers.isEmpty ? plan : try plan.inserting(layers, behind: plan.features)
    }

    /// How images of files become the network's input; nil where its authors prepared numbers.
    var preprocessing: Preprocessing? { images.preprocessing(side: side) }

    /// Whether a batch norm has no scale and no shift of its own.
    func isBare(_ batchNorm: Name) -> Bool { bareNorms.module(of: batchNorm) != nil }
}

/// How the images of a source's network become numbers. EXIF data turns nothing there.
struct SourceImages: Sendable, Equatable {
    /// How an image gets the input's size.
    enum Resize: String, Sendable, CaseIterable {
        /// The shorter side to 256 pixels for a crop of 224, others in proportion.
        case crop
        /// Both sides to the input's.
        case stretch
    }

    /// Of red, green and blue in 0...1; empty: images are not prepared.
    var mean: [Double]
    /// As many deviations.
    var std: [Double]
    var resize: Resize

    /// The evaluation that nearly all code for ImageNet has.
    static let imageNet = SourceImages(
        mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: .crop)

    fileprivate func preprocessing(side: Int) -> Preprocessing? {
        guard !mean.isEmpty else { return nil }
        return Preprocessing(
            width: side, height: side,
            resize: resize == .crop ? .shorterSide(side * 256 / 224) : .stretch, channels: .rgb,
            mean: mean.map { Float($0) }, std: std.map { Float($0) }, orientation: .stored)
    }
}
