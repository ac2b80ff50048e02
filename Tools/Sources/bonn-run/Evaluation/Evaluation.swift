import BONNData
import BONNModelFormat
import BONNRuntime
import BONNTerminal

/// A model and the images that it is measured on.
struct Evaluation {
    let classifier: ImageClassifier
    let dataset: any ImageDataset
    /// Which class of the model each class of the data set is.
    let mapping: ClassMapping
    private let skipsBroken: Bool

    /// Opens both, and says what a person has to know of how their classes meet.
    ///
    /// - Parameters:
    ///   - data: a data set, of which the test images are taken.
    ///   - images: only so many, each class with its share; 0: all.
    init(
        _ classifier: ImageClassifier, path: String, data: String, images: Int = 0,
        skipsBroken: Bool = false, decoding: DecodingOptions
    ) throws {
        var reading = DatasetOptions()
        reading.orientation = classifier.orientation
        reading.decodingBudget = decoding.budget
        reading.toleratesBrokenImages = skipsBroken
        dataset = try DatasetSplits.openTest(data, options: reading).subset(of: images, seed: 1)
        mapping = try ClassMapping(
            of: dataset, names: classifier.model.metadata.classNames,
            count: classifier.model.classCount, network: path)
        self.classifier = classifier
        self.skipsBroken = skipsBroken
        if let note = dataset.leftOut.note { Terminal.note("Note: \(dataset.name): \(note)") }
        for note in mapping.notes { Terminal.note("Note: \(note)") }
    }

    /// Runs the images; `each` gets every one of them.
    func measure(
        _ session: consuming InferenceSession, _ each: (Accuracy.Scored) throws -> Void
    ) throws -> Accuracy.Result {
        var accuracy = Accuracy(session)
        for index in 0..<dataset.count {
            do {
                let image = try dataset.image(at: index)
                let pixels = try classifier.pixels(image, name: dataset.identifier(at: index))
                try accuracy.add(
                    pixels, index: index, label: mapping.classes[dataset.label(at: index)],
                    report: each)
            } catch let error as DataError where skipsBroken && error.code == .brokenImage {
                Terminal.complain("Left out: \(error.message)")
                accuracy.skipped += 1
            }
        }
        try accuracy.finish(report: each)
        guard accuracy.images > 0 else {
            throw Failure("\(dataset.name): none of its \(dataset.count) images can be decoded")
        }
        return accuracy.result
    }
}
