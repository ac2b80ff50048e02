import BONNInterop
import BONNModelFormat
import BONNTestSupport

extension Target {
    /// ONNX files. What is read is a model file that can be written and read again as the same value, has no more
    /// numbers than a few times those of the ONNX file, and comes back from an ONNX file of its own with as many
    /// logits.
    static let onnx = Target(
        name: "onnx",
        check: { bytes in
            var options = ONNXImport.Options()
            options.inputSize = bytes.count % 2 == 0 ? nil : (8, 8)
            options.signOfZero = bytes.count % 3 == 0 ? nil : .plus
            let model = try ONNXImport(bytes, place: "model.onnx", options: options)
            let numbers = model.file.tensors.values.reduce(0) { $0 + $1.bytes.count / 4 }
            try promise(
                numbers <= 8 * bytes.count + 1 << 22,
                "\(numbers) numbers of \(bytes.count) bytes")
            let written = try promise("writing what was read") { try model.file.serialized() }
            let again = try promise("reading what was written") { try ModelFile(bytes: written) }
            try promise(again == model.file, "another model after writing")
            let exported = try promise("exporting what was read") { try ONNXExport(model.file) }
            let second = try promise("reading what was exported") {
                try ONNXImport(exported.bytes, place: "second.onnx")
            }
            try promise(
                second.classCount == model.classCount,
                "\(second.classCount) logits instead of \(model.classCount)")
            return true
        },
        seeds: {
            let models =
                [Sample.uncertified(), Sample.smallest()]
                + (0..<12 as Range<UInt64>).map {
                    RandomModels.model(seed: $0, depth: 2 + Int($0))
                }
            return [ONNXBytes.file()]
                + models.compactMap { try? ONNXExport($0).bytes }.filter { $0.count < 1 << 15 }
        },
        mutate: ONNXMutation.mutate)
}
