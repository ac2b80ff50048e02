import BONNImage
import BONNModelFormat
import BONNRuntime
import Foundation

/// A model that reads images: its preprocessing and the names of its classes.
struct ImageClassifier {
    /// The network.
    let model: Model
    private let preprocessing: Preprocessing

    /// Loads a model; throws `Failure` if it does not say how it reads images.
    init(path: String, kernels: KernelSet, limits: ResourceLimits) throws {
        try self.init(Model.Source(path: path), kernels: kernels, limits: limits)
    }

    /// Loads a model that was read, as above.
    init(_ source: Model.Source, kernels: KernelSet, limits: ResourceLimits) throws {
        model = try Model(source, kernels: kernels, limits: limits)
        guard let preprocessing = model.metadata.preprocessing else {
            throw Failure(
                "\(source.path): the model holds no preprocessing, so it cannot read images; export it "
                    + "with one, or run it from a program that prepares the input")
        }
        self.preprocessing = preprocessing
    }

    /// Which way up the model wants to see an image file.
    var orientation: Preprocessing.Orientation { preprocessing.orientation }

    /// An image of the size and the channels of the network's input: `[H, W, C]`.
    ///
    /// - Parameter name: what the error calls the image.
    func pixels(_ image: PixelBuffer, name: String) throws -> [UInt8] {
        do {
            return try preprocessing.apply(image).pixels
        } catch {
            throw Failure("\(name): \(error.message)")
        }
    }

    /// The name of a class, or its number where the model has no names.
    func name(ofClass index: Int) -> String {
        let names = model.metadata.classNames
        return index < names.count ? names[index].text : String(index)
    }
}

/// The probabilities of the classes: `exp(x - max) / sum`, in float64.
func softmax(_ logits: [Float]) -> [Float] {
    let largest = Double(logits.max() ?? 0)
    let powers = logits.map { exp(Double($0) - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
}
