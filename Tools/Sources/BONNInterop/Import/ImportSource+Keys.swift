public import BONNConfiguration
import BONNModelFormat
import BONNNetworks

extension ImportSource: Configurable {
    /// What a recipe of a source says of one that it knows nothing of: a network with the blocks of Bi-Real Net, whose
    /// modules have no names yet.
    public static func described(as name: String) -> ImportSource {
        ImportSource(
            name: name, title: "a source of one's own", paper: "", network: "resnet18",
            block: SequenceBlock(
                stem: [.norm], block: [.sign, .convolution, .norm, .add],
                shortcut: [.pool, .convolution, .norm]), modules: ModuleNames([]))
    }

    /// Its keys.
    public var keys: [Key<ImportSource>] { Self.allKeys }

    private static let allKeys: [Key<ImportSource>] =
        [
            .text("source.name", \.name, "what it is called in messages and in the model file"),
            .text("source.title", \.title, "what it is, in a few words"),
            .text("source.paper", \.paper, "who published it"),
            .name(
                "network.name", \.network, of: ImportNetworks.all.map(\.name),
                "sets widths and side to the published ones"
            ).decisive { source, before in
                guard source.network != before.network,
                    let entry = ImportNetworks.named(source.network)
                else { return }
                source.widths = entry.widths
                source.side = entry.input.height
            },
            .integers(
                "network.widths", \.widths, in: 1...65_536, "channels of the stem and stages"),
            .integer("network.side", \.side, in: 1...4096, "height and width of an image"),
            .layers("network.stem", \.block.stem, "behind the first convolution"),
            .layers("network.block", \.block.block, "around the 1-bit convolutions"),
            .layers("network.shortcut", \.block.shortcut, "where channels or size change"),
            .layers("network.head", \.head, "behind the mean of each channel"),
            .rules("checkpoint.modules", \.modules, "which layer is which module"),
            .rules("checkpoint.bare_norms", \.bareNorms, "batch norms that have statistics alone"),
            .number("checkpoint.epsilon", \.epsilon, in: 0...1, "what batch norms add"),
        ] + StoredKernels.keys.at("kernels", \.kernels) + [
            .names("kernels.unused", \.unused, "tensors beside a kernel of no use here")
        ] + SourceImages.keys.at("images", \.images)
}

extension StoredKernels {
    fileprivate static let keys: [Key<StoredKernels>] = [
        .text("tensor", \.tensor, "its name behind that of its module"),
        .choice("layout", \.layout, "how its numbers lie"),
        .choice("center", \.center, "what is taken from them before their signs"),
        .flag("clamp", \.isClamped, "whether they are then clamped to [-1, 1]"),
        .choice("scale", \.scale, "by what signs are multiplied"),
        .text("scale_tensor", \.scaleTensor, "the name of learned scales"),
    ]
}

extension SourceImages {
    fileprivate static let keys: [Key<SourceImages>] = [
        .colors("mean", \.mean, in: -10...10, "of red, green and blue in 0...1"),
        .colors("std", \.std, in: 1e-6...1e6, "as many deviations"),
        .choice("resize", \.resize, "how an image gets the input's size"),
    ]
}

extension Key {
    /// Layers in order.
    fileprivate static func layers(
        _ path: String, _ storage: Storage<[BlockLayer]>, _ summary: String
    ) -> Key {
        let names = BlockLayer.allCases.map(\.rawValue)
        return Key(
            path, storage, summary, expected: "a list of " + names.joined(separator: ", "),
            write: { .list($0.map(\.rawValue)) },
            read: { value in
                guard let items = value.texts else { return nil }
                let layers = items.compactMap(BlockLayer.init)
                return layers.count == items.count && layers.count <= 64 ? layers : nil
            })
    }

    /// Rules for the names of modules.
    fileprivate static func rules(
        _ path: String, _ storage: Storage<ModuleNames>, _ summary: String
    ) -> Key {
        Key(
            path, storage, summary,
            expected: "a list of rules such as stages.<stage>.<block>.0.norm = "
                + "layer<stage+1>.<block>.bn1",
            write: { .list($0.rules.map(\.text)) },
            read: { value in
                guard let items = value.texts else { return nil }
                let rules = items.compactMap(ModuleNames.Rule.init)
                return rules.count == items.count ? ModuleNames(rules) : nil
            })
    }

    /// Words.
    fileprivate static func names(
        _ path: String, _ storage: Storage<[String]>, _ summary: String
    ) -> Key {
        Key(
            path, storage, summary, expected: "a list of names", write: { .list($0) },
            read: { $0.texts })
    }

    /// None, or a number for each of red, green and blue.
    fileprivate static func colors(
        _ path: String, _ storage: Storage<[Double]>, in range: ClosedRange<Double>,
        _ summary: String
    ) -> Key {
        Key(
            path, storage, summary,
            expected: "three numbers from \(range.lowerBound) to \(range.upperBound), or none: []",
            write: { .list($0.map { "\($0)" }) },
            read: { value in
                guard let items = value.texts, items.isEmpty || items.count == 3 else { return nil }
                let numbers = items.compactMap(Double.init).filter(range.contains)
                return numbers.count == items.count ? numbers : nil
            })
    }
}

extension ConfigurationValue {
    /// The items of a list; one word is a list of itself.
    fileprivate var texts: [String]? {
        switch self {
        case .null: nil
        case .list(let items): items
        case .scalar(let text): text.isEmpty ? [] : [text]
        }
    }
}
