import BONNData
import BONNImageIO
import BONNModelFormat

/// The predictions of an evaluation as a CSV file (RFC 4180, lines end with a line feed), a row an
/// image. The file is there whole or not at all.
struct PredictionFile: ~Copyable {
    private let file: WholeFile
    private let dataset: any ImageDataset
    private let classifier: ImageClassifier

    /// Begins the file, so that a path that cannot be written is noticed before the work.
    init(
        path: String, madeFrom model: String, dataset: any ImageDataset, classifier: ImageClassifier
    ) throws(ImageIOError) {
        let file = try WholeFile(path: path, madeFrom: [model])
        try file.write(
            Array("identifier,label,label_name,predicted,predicted_name,score,correct\n".utf8))
        self.file = file
        self.dataset = dataset
        self.classifier = classifier
    }

    /// Adds the row of an image; classes are numbered as the model numbers them.
    func add(_ image: Accuracy.Scored) throws(ImageIOError) {
        let predicted = image.predicted
        let fields = [
            dataset.identifier(at: image.index), String(image.label),
            classifier.name(ofClass: image.label), String(predicted),
            classifier.name(ofClass: predicted), "\(softmax(image.logits)[predicted])",
            String(predicted == image.label),
        ]
        try file.write(Array((fields.map(Self.field).joined(separator: ",") + "\n").utf8))
    }

    /// Ends the file.
    consuming func finish() throws(ImageIOError) { try file.commit() }

    /// A field, in quotes where it holds what separates fields and rows.
    private static func field(_ text: String) -> String {
        let needsQuotes = text.utf8.contains {
            [UInt8(ascii: ","), UInt8(ascii: "\""), 0x0A, 0x0D].contains($0)
        }
        guard needsQuotes else { return text }
        let doubled = text.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }
        return "\"" + doubled.joined() + "\""
    }
}
