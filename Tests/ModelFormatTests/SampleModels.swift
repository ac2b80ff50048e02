import BONNModelFormat
import BONNTestSupport

/// Random tensors and the two models that the tests of this target are built on.
enum Sample {
    /// Finite floats of both signs.
    static func floats(
        _ shape: [Int], _ generator: inout SeededGenerator
    ) -> ModelTensor {
        let values = (0..<shape.reduce(1, *)).map { _ in
            Float.random(in: -2...2, using: &generator)
        }
        return ModelTensor(f32: values, shape: shape)
    }

    /// Packed weights `[K, kh, kw, words]` of `channels` channels, tail bits 0.
    static func kernels(
        _ outputs: Int, _ height: Int, _ width: Int, channels: Int,
        _ generator: inout SeededGenerator
    ) -> ModelTensor {
        let count = outputs * channels * height * width
        let signs = (0..<count).map { _ in Bool.random(using: &generator) ? Float(1) : -1 }
        return ModelTensor(
            u64: BitLayout.packKernels(
                oihw: signs, outputs: outputs, channels: channels, height: height, width: width),
            shape: [outputs, height, width, BitLayout.words(forChannels: channels)])
    }

    /// Packed weights `[K, words]` of a binary fully connected layer.
    static func rows(
        _ outputs: Int, channels: Int, _ generator: inout SeededGenerator
    ) -> ModelTensor {
        var tensor = kernels(outputs, 1, 1, channels: channels, &generator)
        tensor.shape = [outputs, BitLayout.words(forChannels: channels)]
        return tensor
    }

    /// -1, 0 and +1 in turn.
    static func directions(_ channels: Int) -> ModelTensor {
        ModelTensor(i8: (0..<channels).map { Int8($0 % 3 - 1) }, shape: [channels])
    }

    /// Random 8-bit weights.
    static func bytes(_ shape: [Int], _ generator: inout SeededGenerator) -> ModelTensor {
        ModelTensor(
            i8: (0..<shape.reduce(1, *)).map { _ in
                Int8.random(in: .min ... .max, using: &generator)
            },
            shape: shape)
    }

    /// A small model with every operation, every optional field and every element type.
    static func everything() -> ModelFile {
        var generator = SeededGenerator(seed: 1)
        var tensors: [Name: ModelTensor] = [:]
        var nodes: [Node] = []
        func tensor(_ name: Name, _ value: ModelTensor) -> Name {
            tensors[name] = value
            return name
        }
        func add(_ name: Name, _ operation: BONNModelFormat.Operation, _ inputs: Name...) {
            nodes.append(Node(name, operation, inputs: inputs))
        }
        let same = Window(3, padding: 1)
        add(
            "stem",
            .convolution(
                Convolution(
                    window: same, weight: tensor("stem.weight", bytes([6, 3, 3, 3], &generator)),
                    weightScale: tensor("stem.scale", floats([6], &generator)),
                    bias: tensor("stem.bias", floats([6], &generator)))), "image")
        add(
            "norm",
            .batchNorm(
                BatchNorm(
                    scale: tensor("norm.scale", floats([6], &generator)),
                    shift: tensor("norm.shift", floats([6], &generator)))), "stem")
        add(
            "bits",
            .threshold(
                Threshold(
                    threshold: tensor("bits.threshold", floats([6], &generator)),
                    direction: tensor("bits.direction", directions(6)))), "norm")
        add(
            "sums",
            .binaryConvolution(
                BinaryConvolution(
                    window: Window(
                        height: 3, width: 2, strideHeight: 1, strideWidth: 1, padTop: 2,
                        padBottom: 0, padLeft: 1, padRight: 0), paddingValue: .minusOne,
                    groups: 2, inputChannels: 6,
                    weight: tensor("sums.weight", kernels(70, 3, 2, channels: 3, &generator)))),
            "bits")
        add(
            "levels",
            .threshold(
                Threshold(
                    threshold: tensor(
                        "levels.threshold",
                        ModelTensor(i32: (0..<70).map { Int32($0 - 35) }, shape: [70])),
                    direction: tensor("levels.direction", directions(70)), levels: .unsignedBits)),
            "sums")
        add("pooled_bits", .maxPool(Pool(window: Window(2, stride: 2))), "levels")
        add(
            "scaled",
            .binaryConvolution(
                BinaryConvolution(
                    window: Window(3, padding: 2, dilation: 2), paddingValue: .plusOne,
                    inputChannels: 70,
                    weight: tensor("scaled.weight", kernels(6, 3, 3, channels: 70, &generator)),
                    scale: tensor("scaled.scale", floats([1], &generator)),
                    bias: tensor("scaled.bias", floats([6], &generator)))), "pooled_bits")
        add(
            "shortcut",
            .averagePool(
                Pool(window: Window(3, stride: 2, padding: 1), countsPadding: false)), "norm")
        add("sum", .add, "scaled", "shortcut")
        add(
            "bent", .prelu(PReLU(slope: tensor("bent.slope", floats([6], &generator)))), "sum")
        add("rectified", .relu, "sum")
        add("clamped", .hardtanh, "sum")
        add("joined", .concatenate, "bent", "rectified", "clamped")
        add("largest", .maxPool(Pool(window: Window(2, stride: 1))), "joined")
        add("means", .globalAveragePool, "largest")
        add("flat", .flatten, "largest")
        add(
            "flat_bits",
            .threshold(
                Threshold(
                    threshold: tensor("flat_bits.threshold", floats([162], &generator)),
                    direction: tensor("flat_bits.direction", directions(162)))), "flat")
        add(
            "votes",
            .binaryLinear(
                BinaryLinear(
                    inputFeatures: 162,
                    weight: tensor("votes.weight", rows(5, channels: 162, &generator)),
                    scale: tensor("votes.scale", floats([5], &generator)),
                    bias: tensor("votes.bias", floats([5], &generator)))), "flat_bits")
        add(
            "linear",
            .linear(
                Linear(
                    weight: tensor("linear.weight", floats([5, 18], &generator)),
                    bias: tensor("linear.bias", floats([5], &generator)))), "means")
        add("sum_of_heads", .add, "votes", "linear")
        add(
            "quantized",
            .quantize(Quantize(inverseScale: tensor("quantized.rate", floats([1], &generator)))),
            "means")
        add(
            "byte_head",
            .linear(
                Linear(
                    weight: tensor("byte_head.weight", bytes([5, 18], &generator)),
                    weightScale: tensor("byte_head.scale", floats([5], &generator)))), "quantized")
        add("real_heads", .add, "sum_of_heads", "byte_head")
        add(
            "sign_head",
            .linear(
                Linear(
                    weight: tensor("sign_head.weight", rows(5, channels: 18, &generator)),
                    weightScale: tensor("sign_head.scale", floats([1], &generator)))), "means")
        add(
            "details",
            .convolution(
                Convolution(
                    window: Window(3), groups: 1,
                    weight: tensor("details.weight", kernels(5, 3, 3, channels: 18, &generator)),
                    weightScale: tensor("details.scale", floats([5], &generator)),
                    bias: tensor("details.bias", floats([5], &generator)))), "largest")
        add("gate", .sigmoid, "sign_head")
        add("gated", .multiply, "details", "gate")
        add(
            "map",
            .convolution(
                Convolution(
                    window: Window(1),
                    weight: tensor("map.weight", floats([1, 18, 1, 1], &generator)))),
            "largest")
        add("by_pixel", .multiply, "largest", "map")
        add("by_channel", .multiply, "by_pixel", "means")
        add("logits", .add, "real_heads", "gated")
        let metadata = ModelMetadata(
            graph: Graph(
                input: GraphInput(name: "image", shape: Shape(3, 8, 8), element: .real),
                nodes: nodes, output: "logits"),
            preprocessing: Preprocessing(
                width: 8, height: 8, resize: .shorterSide(10), channels: .rgb,
                mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616]),
            classNames: ["cat", "dog", "tab\there", "\"quoted\"", "žluťoučký kůň 🐎"],
            provenance: ["method": "bonn", "accuracy": "0.66", "commit": "abc"],
            parity: ParityCertificate(
                images: 1000, top1Agreement: 0.999, maxAbsDifference: 1.25e-6,
                maxRelativeDifference: 3e-7, kernels: ["scalar", "avx2"]))
        var model = ModelFile(metadata: metadata, tensors: tensors)
        let network = try? model.networkDigest()
        model.metadata.parity?.network = network
        return model
    }

    /// The model without its certificate, for changes that would make it another network's.
    static func uncertified() -> ModelFile {
        var model = everything()
        model.metadata.parity = nil
        return model
    }

    /// A model of one binary layer and nothing optional.
    static func smallest() -> ModelFile {
        let graph = Graph(
            input: GraphInput(name: "image", shape: Shape(2, 1, 1), element: .byte),
            nodes: [
                Node(
                    "bits",
                    .threshold(Threshold(threshold: "t", direction: "d", levels: .signedBits)),
                    inputs: ["image"]),
                Node(
                    "logits", .binaryLinear(BinaryLinear(inputFeatures: 2, weight: "w")),
                    inputs: ["bits"]),
            ], output: "logits")
        return ModelFile(
            metadata: ModelMetadata(graph: graph),
            tensors: [
                "t": ModelTensor(f32: [127.5, 3], shape: [2]),
                "d": ModelTensor(i8: [1, -1], shape: [2]),
                "w": ModelTensor(u64: [0b01, 0b10, 0b00], shape: [3, 1]),
            ])
    }
}
