public import BONNModelFormat
import BONNNetworks

/// A network of somebody's checkpoint as a model file.
public struct ImportedModel: Sendable {
    /// The model file.
    public let file: ModelFile
    /// How many tensors of the checkpoint it is made of.
    public let tensorCount: Int
    /// How many of its layers are convolutions of 1-bit weights and 1-bit activations.
    public let bitLayerCount: Int

    /// Imports a checkpoint.
    ///
    /// - Parameters:
    ///   - place: the checkpoint's name, for messages.
    ///   - classNames: one a class, or none.
    ///   - provenance: what the file says of its origin, beside the source.
    /// - Throws: `.mismatch` for tensors that are not those of the source's network, all of them in one
    ///   message of several lines, and for numbers that are not as the source has them.
    public init(
        _ checkpoint: Checkpoint, place: String, source: ImportSource, classNames: [Name] = [],
        provenance: [Name: String] = [:]
    ) throws(InteropError) {
        let plan: NetworkPlan
        do {
            plan = try source.plan(classes: source.classes(of: checkpoint))
        } catch {
            throw InteropError(
                .mismatch, "\(printable(place)), \(source.shownName): \(error.message)")
        }
        let weights = try CheckpointWeights(checkpoint, of: source, plan: plan, place: place)
        let facts: [Name: String] = [
            "imported_as": source.name, "network": source.network, "paper": source.paper,
        ]
        do {
            let lowered = try PlanLowering(
                plan, weights: weights, preprocessing: source.preprocessing,
                classNames: classNames, provenance: provenance.merging(facts) { $1 })
            file = lowered.file
            bitLayerCount = lowered.bitLayers.count
        } catch {
            throw InteropError(.mismatch, "\(printable(place)), \(error.message)")
        }
        tensorCount = weights.count
    }
}
