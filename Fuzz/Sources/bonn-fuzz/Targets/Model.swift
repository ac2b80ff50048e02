import BONNModelFormat
import BONNRuntime
import BONNTestSupport

extension Target {
    /// Model files. One that is read is written again to an equal value; where it states a digest, none with
    /// another bit is read that does so too; it loads with every kernel
    /// set, with all values exposed and with none, or is refused by its budget; and all of these give the
    /// same logits, bit for bit.
    static let model = Target(
        name: "model",
        check: { bytes in
            let (model, _, seal) = try ModelFile.read(bytes)
            try checkWriting(model, seal)
            if seal.digest != nil {
                let flipped = flippingOneBit(of: bytes)
                try promise(
                    (try? ModelFile.read(flipped))?.seal.digest == nil,
                    "a flipped bit goes unnoticed")
            }
            try checkRunning(model)
            return true
        },
        seeds: {
            let samples = [Sample.everything(), Sample.uncertified(), Sample.smallest()]
            let random = (0..<24 as Range<UInt64>).map {
                RandomModels.model(seed: $0, depth: 2 + Int($0 / 2))
            }
            let stems = (0..<6 as Range<UInt64>).map { RandomModels.modelWithStem(seed: $0) }
            let plain = try? Sample.smallest().serialized(digest: false)
            return (samples + random + stems).compactMap { try? $0.serialized() }
                .filter { $0.count < 1 << 15 } + [plain].compactMap(\.self)
        },
        mutate: ContainerMutation.model)

    private static func checkWriting(_ model: ModelFile, _ seal: ModelFile.Seal) throws {
        var model = model
        // A certificate of version 1 names no network, so no file of version 2 can hold it.
        if seal.formatVersion == "1" { model.metadata.parity = nil }
        let written = try promise("writing what was read") {
            try model.serialized(digest: seal.digest != nil)
        }
        let again = try promise("reading what was written") { try ModelFile.read(written) }
        try promise(again.model == model, "what was written is not what was read")
        try promise(
            (again.seal.digest == nil) == (seal.digest == nil), "the digest came or went in writing"
        )
        try promise(
            (try? again.model.serialized(digest: seal.digest != nil)) == written,
            "the same model gives other bytes when it is written again")
    }

    private static let limits = ResourceLimits(
        modelBytes: 1 << 22, imageBytes: 1 << 22, threadBytes: 1 << 20, work: 20_000_000,
        loadingWork: 1 << 22)

    private static func checkRunning(_ file: ModelFile) throws {
        let names = file.metadata.graph.nodes.map(\.name)
        var expected: [UInt32]?
        for kernels in KernelSet.available {
            for exposed in [[], names] {
                guard let logits = try logits(file, kernels, exposed) else { continue }
                // A NaN may carry any sign and payload.
                let bits = logits.map { $0.isNaN ? Float.nan.bitPattern : $0.bitPattern }
                try promise(
                    expected == nil || expected == bits,
                    "\(kernels) with \(exposed.count) values exposed gives other logits")
                expected = bits
            }
        }
    }

    /// The logits of one fixed image; nil where the budget refuses the model.
    private static func logits(
        _ file: ModelFile, _ kernels: KernelSet, _ exposed: [Name]
    ) throws -> [Float]? {
        do {
            let model = try Model(file, kernels: kernels, exposing: exposed, limits: limits)
            var session = try InferenceSession(model)
            let logits = try session.run(image(for: model))
            try promise(logits.count == model.classCount, "not as many logits as classes")
            return logits
        } catch let error as RuntimeError where error.code == .limitExceeded {
            return nil
        } catch let error as RuntimeError {
            throw BrokenPromise(description: "a valid model cannot be run: \(error)")
        }
    }

    private static func image(for model: Model) -> [Float] {
        var generator = SeededGenerator(seed: 1)
        let count = model.inputShape.count
        return model.inputElement == .byte
            ? (0..<count).map { _ in Float(generator.integer(0...255)) } : generator.reals(count)
    }
}
