import BONNModelFormat

/// A 1-bit network made by hand: is a gray 8x8 image brighter in its upper or in its lower half?
///
/// The pixels' signs are compared with one template a class: logits = agreement - disagreement, over 64.
func twoClassModel() -> ModelFile {
    let half = [Float](repeating: 1, count: 32)
    let templates = (half + half.map { -$0 }) + (half.map { -$0 } + half)
    let graph = Graph(
        input: GraphInput(name: "image", shape: Shape(1, 8, 8), element: .real),
        nodes: [
            Node("pixels", .flatten, inputs: ["image"]),
            Node(
                "signs", .threshold(Threshold(threshold: "zeros", direction: "upward")),
                inputs: ["pixels"]),
            Node(
                "logits",
                .binaryLinear(
                    BinaryLinear(inputFeatures: 64, weight: "templates", scale: "scale")),
                inputs: ["signs"]),
        ],
        output: "logits")
    return ModelFile(
        metadata: ModelMetadata(
            graph: graph,
            preprocessing: Preprocessing(
                width: 8, height: 8, resize: .stretch, channels: .gray, mean: [0.5], std: [0.5]),
            classNames: ["bright above", "bright below"]),
        tensors: [
            "zeros": ModelTensor(f32: [Float](repeating: 0, count: 64), shape: [64]),
            "upward": ModelTensor(i8: [Int8](repeating: 1, count: 64), shape: [64]),
            "templates": ModelTensor(
                u64: BitLayout.packSigned(templates, channels: 64), shape: [2, 1]),
            "scale": ModelTensor(f32: [1.0 / 64], shape: [1]),
        ])
}
