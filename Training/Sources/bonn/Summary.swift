import ArgumentParser
import BONNConfiguration
import BONNExport
import BONNMethods
import BONNModelFormat
import BONNNetworks
import BONNRuntime
import BONNTerminal
import BONNTrainer
import Torch

/// `bonn summary`.
struct Summary: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the layers of a network, its parameters, its work and its size.",
        discussion: """
            The network is lowered to its deployed form, so that what is shown is what will run: \
            1-bit and real parameters, multiply-accumulates over bits and over real numbers for one \
            image, and the bytes of the model file.

            Examples:
              bonn summary runs/first/best.safetensors
              bonn summary --model resnet18 --json
            """)

    @Argument(help: "A checkpoint; without it, the network that the options describe.")
    var checkpoint: String?

    @OptionGroup(title: "Configuration") var recipe: RecipeOptions

    @Option(
        help: ArgumentHelp(
            "Images, one side or HEIGHTxWIDTH; 0: as trained, else by the stem.",
            valueName: "size"), transform: imageSize(parsing:))
    var imageSize: ImageSize = 0

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        let (network, model) = try subject()
        let file = try network.lowered().file
        let bytes = try file.serialized().count
        let shapes = try file.metadata.graph.validate(tensors: file.tensors)
        var session = try InferenceSession(try Model(file))
        let input = [Float](repeating: 0, count: file.metadata.graph.input.shape.count)
        let layers = try session.profile(input, runs: 1).map { timing in
            Report.Layer(timing, shape: shapes[timing.name]?.shape)
        }
        let report = Report(network, model, layers: layers, bytes: bytes)
        if json {
            try Terminal.json(report)
        } else {
            try Terminal.lines(report.lines)
        }
    }

    /// The network, and what it was made from.
    private func subject() throws -> (Network, NetworkConfiguration) {
        if let checkpoint {
            var stored = try Checkpoint.open(checkpoint)
            if imageSize.isKnown { stored.configuration.augmentation.imageSize = imageSize }
            return (try stored.network(source: checkpoint), stored.configuration.model)
        }
        var model = try recipe.configuration().model
        let entry = Networks.named(model.network)
        if model.classes == 0 { model.classes = entry?.classes ?? 10 }
        if model.inputChannels == 0 { model.inputChannels = entry?.input.channels ?? 3 }
        let plan: NetworkPlan
        let method: any Method
        do {
            if imageSize.isKnown {
                try model.validate(height: imageSize.height, width: imageSize.width)
            }
            plan = try model.plan(for: imageSize)
            method = model.method.value
        } catch {
            throw ValidationError(error.message)
        }
        return (try Network(plan, method, seed: 1), model)
    }
}

/// What `bonn summary` shows.
private struct Report: Encodable {
    struct Layer: Encodable {
        let name: String
        let operation: String
        let shape: [Int]
        let binaryMacs: Int
        let macs: Int

        init(_ timing: LayerTiming, shape: Shape?) {
            name = timing.name.text
            operation = timing.operation
            self.shape = shape.map { [$0.channels, $0.height, $0.width] } ?? []
            binaryMacs = timing.binaryMACs
            macs = timing.realMACs
        }
    }

    let model: String
    let method: String
    let widths: [Int]
    let input: [Int]
    let classes: Int
    let binaryParameters: Int
    let realParameters: Int
    let binaryMacs: Int
    let realMacs: Int
    let modelBytes: Int
    let float32Bytes: Int
    let layers: [Layer]

    init(
        _ network: Network, _ configuration: NetworkConfiguration, layers: [Layer], bytes: Int
    ) {
        model = configuration.network
        method = configuration.method.name
        widths = configuration.widths
        let shape = network.plan.input
        input = [shape.channels, shape.height, shape.width]
        classes = network.plan.classes
        binaryParameters = Self.count(network) { $0 == .latent }
        // What a quantizer learns serves training; one scale a layer is deployed.
        realParameters = Self.count(network, \.isDeployed) + network.quantizedLayers.count
        binaryMacs = layers.reduce(0) { $0 + $1.binaryMacs }
        realMacs = layers.reduce(0) { $0 + $1.macs }
        modelBytes = bytes
        float32Bytes = 4 * (binaryParameters + realParameters)
        self.layers = layers
    }

    var lines: [String] {
        let header = ["layer", "operation", "output", "1-bit MACs", "real MACs"]
        let rows = layers.map { layer in
            [
                layer.name, layer.operation, layer.shape.map(String.init).joined(separator: "x"),
                Terminal.grouped(layer.binaryMacs), Terminal.grouped(layer.macs),
            ]
        }
        let ratio = Double(float32Bytes) / Double(modelBytes)
        let totals = [
            ["1-bit parameters", Terminal.grouped(binaryParameters)],
            ["32-bit parameters", Terminal.grouped(realParameters)],
            ["1-bit MACs", Terminal.grouped(binaryMacs)],
            ["real MACs", Terminal.grouped(realMacs)],
            ["model file, bytes", Terminal.grouped(modelBytes)],
            ["as float32, bytes", Terminal.grouped(float32Bytes)],
            ["smaller by", "\((ratio * 10).rounded() / 10)x"],
        ]
        return Table([header] + rows).lines + [""] + Table(totals).lines
    }

    private static func count(_ network: Network, _ has: (ParameterRole) -> Bool) -> Int {
        network.store.parameters.filter { has($0.role) }.reduce(0) { $0 + $1.tensor.count }
    }
}
