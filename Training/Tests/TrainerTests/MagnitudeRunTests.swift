import BONNModelFormat
import BONNRuntime
import Foundation
import Testing

@testable import BONNTrainer

/// A run whose method changes the plan: the magnitudes of activations go from the recipe into the model file.
@Suite struct MagnitudeRunTests {
    private let folder = TemporaryFolder()

    @Test(arguments: [false, true])
    func `a recipe with scaled activations is trained, exported and verified`(
        isScaled: Bool
    ) throws {
        let (run, model) = (folder.path + "/run", folder.path + "/m.bonn")
        let checkpoint = run + "/best.safetensors"
        for arguments in [
            [
                "train", "--data", "synthetic:40", "--method", "xnor", "--widths", "4-4-6-8",
                "--epochs", "1", "--batch-size", "20", "--threads", "1", "--set",
                "augmentation.image_size=9", "--set", "method.scaled_activations=\(isScaled)",
                "--output", run,
            ],
            ["export", checkpoint, "--output", model, "--images", "6"],
            ["verify", checkpoint, model, "--data", "synthetic:40"],
        ] {
            let ending = try Tool(arguments).wait()
            try #require(ending.status == 0, "\(ending.errors)")
        }
        let file = try ModelFile(bytes: File.bytes(of: model))
        let nodes = file.metadata.graph.nodes
        let products = nodes.filter { $0.operation == .multiply }
        let layers = nodes.count { $0.operation.kind == .binaryConvolution }
        #expect(layers == 18 && products.count == (isScaled ? layers : 0))
        for product in products {
            #expect(product.inputs.map { "\($0).scaled" }.first == product.name.text)
        }
    }
}
