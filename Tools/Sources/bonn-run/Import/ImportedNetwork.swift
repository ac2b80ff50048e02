import BONNInterop
import BONNModelFormat
import BONNTerminal

/// A network of somebody's file: the model file, not yet written, and what is told about it.
struct ImportedNetwork {
    let file: ModelFile
    /// What `--json` says of it.
    let figures: [JSONMember]
    /// The same for a person.
    let rows: [[String]]

    /// A checkpoint.
    static func checkpoint(
        _ model: ImportedModel, of source: ImportSource, classes: Int
    ) -> Self {
        Self(
            model.file, bitLayers: model.bitLayerCount, classes: classes,
            figures: [
                JSONMember("source", .string(source.name)),
                JSONMember("tensors", .int(model.tensorCount)),
            ],
            rows: [
                ["source", "\(source.name), \(source.title)"],
                ["tensors", "\(model.tensorCount), all of the network and no other"],
            ])
    }

    /// An ONNX file, with the names of its classes unless it holds them itself.
    static func onnx(_ model: ONNXImport, classNames: [Name]) -> Self {
        var file = model.file
        if !classNames.isEmpty { file.metadata.classNames = classNames }
        let isPrepared = file.metadata.preprocessing != nil
        let rows = [
            ["source", "ONNX, \(model.nodeCount) nodes"],
            [
                "images",
                isPrepared
                    ? "prepared as said"
                    : "no preparation known: name it with --mean, --std and --resize to classify images",
            ], ["softmax", "left out: a model file ends with the logits"],
        ]
        return Self(
            file, bitLayers: model.bitLayerCount, classes: model.classCount,
            figures: [
                JSONMember("source", .string("onnx")), JSONMember("nodes", .int(model.nodeCount)),
                JSONMember("softmax_left_out", .bool(model.hasSoftmax)),
                JSONMember("preprocessing", .bool(isPrepared)),
            ], rows: model.hasSoftmax ? rows : rows.dropLast())
    }

    private init(
        _ file: ModelFile, bitLayers: Int, classes: Int, figures: [JSONMember], rows: [[String]]
    ) {
        let input = file.metadata.graph.input.shape
        self.file = file
        self.figures =
            figures + [
                JSONMember("binary_layers", .int(bitLayers)),
                JSONMember("input", .ints([input.channels, input.height, input.width])),
                JSONMember("classes", .int(classes)),
            ]
        self.rows =
            rows + [
                ["binary layers", "\(bitLayers)"],
                ["input", "\(input.channels)x\(input.height)x\(input.width)"],
                ["classes", "\(classes)"],
            ]
    }
}
