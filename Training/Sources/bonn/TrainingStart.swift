import ArgumentParser
import BONNConfiguration
import BONNMethods
import BONNModelFormat
import BONNTerminal
import BONNTrainer

/// What a run starts from: a locked folder, the configuration, and what there is to go on with.
struct TrainingStart {
    let directory: RunDirectory
    let configuration: TrainingConfiguration
    var checkpoint: Checkpoint?
    var weights: StartingPoint?

    /// Locks the folder of the run and only then reads what it holds.
    static func prepare(_ command: Train) throws -> TrainingStart {
        let path = try command.recipe.runFolder(output: command.output)
        guard command.resume || command.resumeOrStart else {
            return try new(command, path)
        }
        guard !path.isEmpty else {
            let option = command.resume ? "--resume" : "--resume-or-start"
            throw ValidationError("\(option) needs --output, the folder of the run to go on with")
        }
        // Nothing is created where there is nothing to go on with.
        if command.resume && !RunDirectory.holdsRun(at: path) { throw nothingToResume(path) }
        let directory = try RunDirectory(path)
        switch try directory.storedRun() {
        case .checkpoint(let checkpoint):
            checkpoint.noteMissingDigest(directory.lastPath)
            return TrainingStart(
                directory: directory,
                configuration: try configuration(command, over: checkpoint.recipe),
                checkpoint: checkpoint)
        case .recipe(let stored):
            return TrainingStart(
                directory: directory, configuration: try configuration(command, over: stored))
        case nil:
            guard command.resumeOrStart else { throw nothingToResume(path) }
            let weights = try source(command)
            return TrainingStart(
                directory: directory, configuration: try first(command, weights), weights: weights)
        }
    }

    private static func new(_ command: Train, _ path: String) throws -> TrainingStart {
        let weights = try source(command)
        let configuration = try first(command, weights)
        let directory: RunDirectory
        if path.isEmpty {
            let model = configuration.model
            directory = try RunDirectory.firstFree(
                "runs/\(model.network)-\(model.method.name)"
                    + "-seed\(configuration.run.seed)")
        } else {
            directory = try RunDirectory(path)
        }
        guard !directory.holdsRun else {
            throw ValidationError(
                "\(path) holds a run already; add --resume to go on with it, or choose another "
                    + "--output")
        }
        return TrainingStart(directory: directory, configuration: configuration, weights: weights)
    }

    private static func source(_ command: Train) throws -> StartingPoint? {
        try command.from.map { StartingPoint(try Checkpoint.open($0), path: $0) }
    }

    /// The configuration of a run that starts now.
    private static func first(
        _ command: Train, _ weights: StartingPoint?
    ) throws -> TrainingConfiguration {
        let result = try configuration(
            command, over: weights?.configuration ?? TrainingConfiguration())
        guard let weights else { return result }
        let (before, method) = (weights.configuration.model.method, result.model.method)
        if before.weights == .real, method.weights == .real {
            noteReal(result.path(of: \.model.method.weights), "real", weights)
        }
        if before.activations == .hardtanh, method.activations == .hardtanh {
            noteReal(result.path(of: \.model.method.activations), "hardtanh", weights)
        }
        return result
    }

    private static func noteReal(_ key: String, _ value: String, _ weights: StartingPoint) {
        Terminal.note(
            "Note: \(key) is \(value) as in \(printable(weights.path)); "
                + "--set \(key)=quantized trains those of the method")
    }

    private static func configuration(
        _ command: Train, over base: TrainingConfiguration
    ) throws -> TrainingConfiguration {
        let result = try command.recipe.configuration(
            over: base, data: command.data, output: command.output)
        guard !result.data.path.isEmpty else {
            throw ValidationError("--data is missing: a CIFAR, IDX or image folder, or synthetic")
        }
        return result
    }

    private static func nothingToResume(_ path: String) -> TrainingError {
        TrainingError(
            .file,
            "\(path): nothing to resume: no run was begun in this folder; leave out --resume to "
                + "start one, or give --resume-or-start in a job that is started again")
    }
}
