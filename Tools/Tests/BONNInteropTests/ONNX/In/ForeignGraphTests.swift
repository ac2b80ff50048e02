import BONNInterop
import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

private let python = PythonInterpreter.find(importing: [
    "numpy", "onnx", "onnxruntime", "safetensors.numpy", "torch",
])
private let noPython: Comment =
    "no Python with numpy, onnx, onnxruntime, safetensors and torch: name one in BONN_PYTHON, or run make setup"
private let script = PythonInterpreter.repository
    .appending(path: "Tools/Tests/BONNInteropTests/ONNX/In/networks.py")

/// Graphs as PyTorch, tf2onnx and QONNX write them give the logits of ONNX Runtime.
@Suite(.enabled(if: python != nil, noPython)) struct ForeignGraphTests {
    /// What networks.py says of a network.
    private struct Case: Decodable {
        let name: String
        let bit_layers: Int
        let sign_zero: String?
        let input_size: [Int]?

        var options: ONNXImport.Options {
            var options = ONNXImport.Options()
            options.signOfZero = sign_zero.flatMap(SignOfZero.init)
            options.inputSize = input_size.map { ($0[0], $0[1]) }
            return options
        }
    }

    @Test func `logits are those of ONNX Runtime, and signs are bits`() throws {
        try withTemporaryFolder { folder in
            let result = try #require(python).run([script.path, folder.path])
            try #require(result.status == 0, "\(result.output)")
            let list = try Data(contentsOf: folder.appending(path: "cases.json"))
            let cases = try JSONDecoder().decode([Case].self, from: list)
            #expect(cases.count == 12)
            for network in cases {
                let name = network.name
                let bytes = [UInt8](
                    try Data(contentsOf: folder.appending(path: "\(name).onnx")))
                let model = try ONNXImport(bytes, place: name, options: network.options)
                if name == "sign" { try expectQuestions(bytes, network) }
                #expect(model.bitLayerCount == network.bit_layers, "\(name)")
                #expect(model.hasSoftmax == name.hasPrefix("tensorflow"), "\(name)")
                let expected = try Checkpoint(
                    [UInt8](
                        try Data(contentsOf: folder.appending(path: "\(name).safetensors"))),
                    place: name)
                let tensors = Dictionary(
                    uniqueKeysWithValues: expected.entries.map {
                        ($0.name, (shape: $0.shape, floats: expected.floats($0)))
                    })
                let images = try #require(tensors["images"])
                let logits = try #require(tensors["logits"])
                let (size, classes) = (images.shape[1], logits.shape[1])
                var session = try InferenceSession(try Model(model.file))
                for image in 0..<images.shape[0] {
                    let found = try session.run(
                        Array(images.floats[image * size..<(image + 1) * size]))
                    let wanted = Array(
                        logits.floats[image * classes..<(image + 1) * classes])
                    let largest = wanted.map(abs).max() ?? 0
                    let difference = zip(found, wanted).map { abs($0 - $1) }.max() ?? .infinity
                    #expect(
                        difference <= 1e-4 * largest,
                        "\(name), image \(image): \(difference) of \(largest)")
                    #expect(
                        found.firstIndex(of: found.max()!) == wanted.firstIndex(of: wanted.max()!),
                        "\(name), image \(image)")
                }
            }
        }
    }

    /// A `Sign` that is 0 at 0 and an open size need an answer, and the answer matters.
    private func expectQuestions(_ bytes: [UInt8], _ network: Case) throws {
        var options = ONNXImport.Options()
        var error = #expect(throws: InteropError.self) {
            try ONNXImport(bytes, place: "sign", options: options)
        }
        #expect(error?.message.contains("--input-size") == true, "\(error as Any)")
        options.inputSize = (32, 32)
        error = #expect(throws: InteropError.self) {
            try ONNXImport(bytes, place: "sign", options: options)
        }
        #expect(error?.message.contains("--sign-zero plus") == true, "\(error as Any)")
        let plus = try ONNXImport(bytes, place: "sign", options: network.options).file
        options.signOfZero = .minus
        #expect(try ONNXImport(bytes, place: "sign", options: options).file != plus)
    }
}
