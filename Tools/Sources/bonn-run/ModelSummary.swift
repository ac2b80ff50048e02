import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// What a model file holds, counted.
struct ModelSummary {
    private let path: String
    private let model: Model
    private let bytes: Int
    private let seal: ModelFile.Seal
    private let memoryBytes: Int
    private let binaryParameters: Int
    private let realParameters: Int
    private let layers: [LayerTiming]

    /// Reads a model file, as below.
    init(path: String, limits: ResourceLimits) throws {
        let source = try Model.Source(path: path)
        try self.init(source, model: Model(source, limits: limits))
    }

    /// Runs a model once, which is what counts its multiply-accumulates.
    ///
    /// - Parameters:
    ///   - source: the file that was read.
    ///   - model: what was loaded of it.
    init(_ source: Model.Source, model: Model) throws {
        path = source.path
        self.model = model
        bytes = source.byteCount
        seal = source.seal
        let file = source.file
        let types = source.types
        // By tensor: several layers may share one.
        var binary: [Name: Int] = [:]
        var bookkeeping: Set<Name> = []
        for node in file.metadata.graph.nodes {
            if case .threshold(let threshold) = node.operation {
                bookkeeping.insert(threshold.direction)
            }
            guard let layer = node.operation.layer, let weight = file.tensors[layer.weight],
                weight.elementType == .u64, let input = types[node.inputs[0]]
            else { continue }
            let rows = weight.shape.dropLast().reduce(1, *)
            binary[layer.weight] = rows * (input.shape.channels / layer.groups)
        }
        binaryParameters = binary.values.reduce(0, +)
        realParameters = file.tensors.reduce(0) { count, tensor in
            tensor.value.elementType == .u64 || bookkeeping.contains(tensor.key)
                ? count : count + tensor.value.shape.reduce(1, *)
        }
        var session = try InferenceSession(model)
        memoryBytes = session.memoryBytes
        layers = try session.profile(
            [Float](repeating: 0, count: model.inputShape.count), runs: 1)
    }

    private var shape: Shape { model.inputShape }
    private var binaryMACs: Int { layers.reduce(0) { $0 + $1.binaryMACs } }
    private var realMACs: Int { layers.reduce(0) { $0 + $1.realMACs } }

    /// The summary for a program.
    var json: JSONValue {
        .members([
            "model": .string(path),
            "input": .members([
                "shape": .ints([shape.channels, shape.height, shape.width]),
                "element": .string(model.inputElement.rawValue),
            ]),
            "classes": .int(model.classCount),
            "class_names": .strings(model.metadata.classNames.map(\.text)),
            "binary_parameters": .int(binaryParameters),
            "real_parameters": .int(realParameters),
            "binary_macs": .int(binaryMACs),
            "real_macs": .int(realMACs),
            "model_bytes": .int(bytes),
            "format_version": .string(seal.formatVersion),
            "sha256": seal.digest.map { .string($0.description) } ?? .null,
            "memory_bytes": .int(memoryBytes), "kernels": .string(model.kernels.name),
            "preprocessing": preprocessing,
            "provenance": .object(
                provenance.map { JSONMember($0.key, .string($0.value)) }),
            "parity": parity,
            "layers": .array(
                layers.map { layer in
                    .members([
                        "name": .string(layer.name.text), "operation": .string(layer.operation),
                        "binary_macs": .int(layer.binaryMACs), "macs": .int(layer.realMACs),
                    ])
                }),
        ])
    }

    /// Prints one entry of the provenance as it stands in the file.
    func showProvenance(_ key: String) throws {
        guard let value = provenance(key) else {
            let keys = provenance.map(\.key.text)
            throw Failure(
                "the model's provenance has no '\(printable(key, limit: 60))'; it has "
                    + (keys.isEmpty ? "nothing" : keys.joined(separator: ", ")))
        }
        try Terminal.document(value)
    }

    /// An entry of the provenance.
    func provenance(_ key: String) -> String? {
        provenance.first { $0.key.text == key }?.value
    }

    private var provenance: [(key: Name, value: String)] {
        model.metadata.provenance.sorted { $0.key < $1.key }
    }

    private var preprocessing: JSONValue {
        guard let rule = model.metadata.preprocessing else { return .null }
        return .members([
            "width": .int(rule.width), "height": .int(rule.height),
            "resize": .string(rule.resizeText), "channels": .string(rule.channels.rawValue),
            "mean": .array(rule.mean.map { JSONValue.real($0) }),
            "std": .array(rule.std.map { JSONValue.real($0) }),
            "orientation": .string(rule.orientation.rawValue),
        ])
    }

    private var parity: JSONValue {
        guard let parity = model.metadata.parity else { return .null }
        return .members([
            "images": .int(parity.images), "top1_agreement": .real(parity.top1Agreement),
            "max_abs_difference": .real(parity.maxAbsDifference),
            "max_relative_difference": .real(parity.maxRelativeDifference),
            "kernels": .strings(parity.kernels),
        ])
    }

    /// The summary for a person: names and what they are.
    var rows: [[String]] {
        var rows = [
            [
                "input",
                "\(shape.channels)x\(shape.height)x\(shape.width) \(model.inputElement.rawValue)",
            ],
            ["classes", classes],
            ["parameters", "\(binaryParameters) of 1 bit, \(realParameters) real"],
            ["per image", "\(binaryMACs) binary and \(realMACs) real multiply-accumulates"],
            ["file", "\(bytes) bytes, format version \(seal.formatVersion)"],
            [
                "sha256",
                seal.digest?.description
                    ?? "none: nothing tells whether the file is as it was written",
            ],
            ["memory", "\(memoryBytes) bytes to run one image with one thread"],
            [
                "kernels",
                "\(model.kernels) (this machine runs "
                    + KernelSet.available.map(\.name).joined(separator: ", ") + ")",
            ],
        ]
        if let rule = model.metadata.preprocessing {
            rows.append([
                "images",
                "\(rule.width)x\(rule.height) \(rule.channels.rawValue), "
                    + "\(rule.orientation == .exif ? "turned by EXIF" : "as stored"), "
                    + "resize \(rule.resizeText), mean \(rule.mean), std \(rule.std)",
            ])
        } else {
            rows.append(["images", "no preprocessing: the model does not read image files"])
        }
        if let parity = model.metadata.parity {
            rows.append([
                "parity",
                "\(Terminal.percent(parity.top1Agreement)) of \(parity.images) images, "
                    + "largest difference \(parity.maxAbsDifference), "
                    + "kernels \(parity.kernels.joined(separator: ", "))",
            ])
        }
        rows += provenance.map { key, value in
            let lines = value.split(separator: "\n").count
            return [key.text, lines > 1 ? "\(lines) lines: --provenance \(key.text)" : value]
        }
        return rows
    }

    /// Prints the summary, and the layers if they are asked for.
    func show(layers isDetailed: Bool) throws(OutputLost) {
        try Terminal.table(rows, left: [0, 1])
        guard isDetailed else { return }
        try Terminal.line("")
        try Terminal.table(
            [["layer", "operation", "binary MACs", "real MACs"]]
                + layers.map { [$0.name.text, $0.operation, "\($0.binaryMACs)", "\($0.realMACs)"] },
            left: [0, 1])
    }

    private var classes: String {
        let names = model.metadata.classNames
        let shown =
            names.prefix(10).map(\.text).joined(separator: ", ") + (names.count > 10 ? ", ..." : "")
        return names.isEmpty
            ? "\(model.classCount), without names" : "\(model.classCount): \(shown)"
    }
}

extension Preprocessing {
    /// `none`, `stretch` or `shorter_side N`.
    fileprivate var resizeText: String {
        switch resize {
        case .none: "none"
        case .stretch: "stretch"
        case .shorterSide(let side): "shorter_side \(side)"
        }
    }
}
