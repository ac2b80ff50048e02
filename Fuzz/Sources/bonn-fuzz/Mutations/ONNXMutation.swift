import BONNTestSupport

/// Graphs of ONNX whose messages are right and whose nodes are any. libFuzzer's own changes mostly break a length and
/// end there.
enum ONNXMutation {
    static func mutate(
        _ bytes: [UInt8], capacity: Int, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        guard generator.oneIn(2) else { return changedByLibFuzzer(bytes, capacity: capacity) }
        var names = ["x"]
        var nodes: [[UInt8]] = []
        for index in 0..<generator.integer(1...8) {
            let name = "v\(index)"
            nodes.append(node(&generator, names, name))
            names.append(name)
        }
        let last = names[names.count - 1]
        let channels = 4
        if generator.oneIn(2) {
            nodes.append(ONNXBytes.node("GlobalAveragePool", [last], "pooled"))
            nodes.append(ONNXBytes.node("Flatten", ["pooled"], "y"))
        } else {
            nodes.append(ONNXBytes.node("Identity", [last], "y"))
        }
        func tensor(_ name: String, _ shape: [Int], _ generator: inout SeededGenerator) -> [UInt8] {
            let isSign = generator.oneIn(2)
            let values = (0..<shape.reduce(1, *)).map { _ in
                isSign ? generator.sign() : Float(generator.integer(-4...4)) / 2
            }
            return ONNXBytes.tensor(name, shape, raw: ONNXBytes.floats(values))
        }
        func longs(_ name: String, _ values: [Int]) -> [UInt8] {
            ONNXBytes.tensor(name, [values.count], type: 7, raw: ONNXBytes.longs(values))
        }
        let tensors = [
            tensor("w", [channels, channels, 3, 3], &generator),
            tensor("m", [channels, channels], &generator),
            tensor("c", [1, channels, 1, 1], &generator), tensor("n", [channels], &generator),
            tensor("s", [], &generator), longs("i", [0, generator.integer(-1...16)]),
            longs("p", [0, 0, 1, 1, 0, 0, 1, 1]), longs("a", [2, 3]),
        ]
        let file = ONNXBytes.file {
            $0.nodes = nodes
            $0.tensors = tensors
            $0.inputs = [
                ONNXBytes.port(
                    "x",
                    generator.pick([[nil, 4, 6, 6], [1, 6, 6, 4], [nil, 4], [1, 4, nil, nil]]),
                    type: generator.pick([1, 1, 2]))
            ]
            $0.opset = generator.pick([7, 9, 11, 13, 18, 21])
        }
        return file.count <= capacity ? file : changedByLibFuzzer(bytes, capacity: capacity)
    }

    /// Operators that are read, with the constants that they like and others.
    private static let operators = [
        "Conv", "MatMul", "Gemm", "Add", "Mul", "Sub", "Div", "Sign", "Greater", "GreaterOrEqual",
        "Less", "LessOrEqual", "And", "Or", "Not", "Where", "Cast", "Round", "Clip", "Relu",
        "PRelu",
        "LeakyRelu", "Abs", "Neg", "Sigmoid", "MaxPool", "AveragePool", "GlobalMaxPool",
        "ReduceMean", "Pad", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Concat",
        "BipolarQuant", "Shape", "Gather", "Slice", "Expand", "ConstantOfShape", "Softmax",
        "BatchNormalization", "Identity", "Dropout",
    ]

    private static func node(
        _ generator: inout SeededGenerator, _ names: [String], _ output: String
    ) -> [UInt8] {
        let constants = ["w", "m", "c", "n", "s", "i", "p", "a", ""]
        let operation = generator.pick(operators)
        var inputs = [
            generator.oneIn(6)
                ? generator.pick(constants) : names[max(0, names.count - generator.integer(1...3))]
        ]
        switch operation {
        case "Conv": inputs.append("w")
        case "MatMul", "Gemm": inputs.append("m")
        case "BatchNormalization": inputs += ["n", "n", "n", "n"]
        case "Where": inputs += [generator.pick(constants), generator.pick(constants)]
        default:
            for _ in 0..<generator.integer(0...2) {
                inputs.append(
                    generator.oneIn(3) ? generator.pick(names) : generator.pick(constants))
            }
        }
        var attributes: [[UInt8]] = []
        let small = generator.integer(-1...3)
        if generator.oneIn(2) {
            attributes.append(ONNXBytes.ints("kernel_shape", [abs(small) + 1, 3]))
        }
        if generator.oneIn(3) { attributes.append(ONNXBytes.ints("pads", [1, 1, 1, small])) }
        if generator.oneIn(3) { attributes.append(ONNXBytes.ints("strides", [small, 2])) }
        if generator.oneIn(3) { attributes.append(ONNXBytes.ints("perm", [0, 2, 3, 1])) }
        if generator.oneIn(3) { attributes.append(ONNXBytes.ints("axes", [2, small])) }
        if generator.oneIn(3) { attributes.append(ONNXBytes.attribute("axis", small)) }
        if generator.oneIn(4) { attributes.append(ONNXBytes.attribute("keepdims", small)) }
        if generator.oneIn(4) { attributes.append(ONNXBytes.attribute("ceil_mode", 1)) }
        if generator.oneIn(4) { attributes.append(ONNXBytes.attribute("group", small)) }
        if operation == "Cast" {
            attributes.append(ONNXBytes.attribute("to", generator.pick([1, 1, 6, 7, 9, 11])))
        }
        if generator.oneIn(5) { attributes.append(ONNXBytes.attribute("auto_pad", "SAME_UPPER")) }
        return ONNXBytes.node(operation, inputs, output, attributes)
    }
}
