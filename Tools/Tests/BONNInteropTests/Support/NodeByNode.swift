import BONNInterop
import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

/// A comparison of an exported model with the values that its nodes have here, by a script of Python.
struct NodeByNode {
    let python: PythonInterpreter?
    /// Below the tests of this target; its arguments are the file, the values and the list of nodes.
    let script: String
    /// Whether the runtime computes a product by a constant and a sum with one as one operation, rounded once.
    var fusesProducts = false
    /// The nodes that the runtime must have kernels of bits for, and what those read.
    var compiled: [Name: [Name]] = [:]

    /// The relative difference of the logits and whether their first class is the same, once every node gave
    /// what it gives here for the same inputs.
    func check(
        _ model: ModelFile, _ files: [(name: String, bytes: [UInt8])], _ values: [Name: [Float]],
        _ comment: Comment
    ) throws -> (difference: Double, isSameClass: Bool) {
        let types = try model.validate()
        let tensors = values.map { name, values in
            let value = types[name]!.shape
            let shape = [1, value.channels, value.height, value.width]
            let numbers = ModelTensor(f32: values, shape: shape)
            return Safetensors.Tensor(
                name: name, elementType: .f32, shape: shape, bytes: Array(numbers.bytes))
        }
        let nodes = model.metadata.graph.nodes.map { node in
            JSONValue.object([
                JSONMember("name", .string(node.name.text)),
                JSONMember("inputs", .array(inputs(node).map { .string($0.text) })),
                JSONMember("exact", .bool(isExact(node, types) && !isFused(node))),
                JSONMember(
                    "tolerance",
                    .string(isFused(node) && isExact(node, types) ? "1e-6" : "2e-5")),
                JSONMember("compiled", .bool(compiled[node.name] != nil)),
            ])
        }
        return try withTemporaryFolder { folder in
            for file in files {
                try Data(file.bytes).write(to: folder.appending(path: file.name))
            }
            let paths = [files[0].name, "values.safetensors", "nodes.json"]
                .map { folder.appending(path: $0) }
            try Data(try Safetensors.write(tensors: tensors)).write(to: paths[1])
            try Data(JSONValue.array(nodes).text.utf8).write(to: paths[2])
            let script = PythonInterpreter.repository
                .appending(path: "Tools/Tests/BONNInteropTests/\(script)")
            let result = try #require(python).run([script.path] + paths.map(\.path))
            try #require(result.status == 0, "\(comment): \(result.output)")
            let words = result.output.split(whereSeparator: \.isWhitespace).suffix(2)
            let difference = try #require(words.first.flatMap { Double($0) }, "\(comment)")
            return (difference, words.last == "1")
        }
    }

    private func inputs(_ node: Node) -> [Name] { compiled[node.name] ?? node.inputs }

    /// Whether the format leaves nothing to the order of a sum or a library's exponential function.
    private func isExact(_ node: Node, _ types: [Name: ValueType]) -> Bool {
        switch node.operation {
        case .convolution, .linear: types[node.inputs[0]]!.element == .signedByte
        case .averagePool, .globalAveragePool, .sigmoid: false
        default: true
        }
    }

    private func isFused(_ node: Node) -> Bool {
        guard fusesProducts else { return false }
        return switch node.operation {
        case .batchNorm: true
        case .binaryConvolution(let layer): layer.bias != nil
        case .binaryLinear(let layer): layer.bias != nil
        case .convolution(let layer): layer.bias != nil
        case .linear(let layer): layer.bias != nil
        default: false
        }
    }
}
