public import BONNData
public import BONNImage
public import BONNModelFormat
import Foundation

/// The transform of training images: a random crop and flip, then the normalisation that
/// evaluation and deployment use.
///
/// The random numbers of an image follow from (seed, epoch, index) alone.
public struct TrainingTransform: ImageTransform {
    /// Crop and flip.
    public let augmentation: AugmentationConfiguration
    /// Size, channels, mean and standard deviation of the input.
    public let preprocessing: Preprocessing
    /// The run's seed.
    public let seed: Int
    /// The epoch, counted from 0.
    public let epoch: Int

    /// Creates the transform of one epoch.
    public init(
        augmentation: AugmentationConfiguration, preprocessing: Preprocessing, seed: Int, epoch: Int
    ) {
        self.augmentation = augmentation
        self.preprocessing = preprocessing
        self.seed = seed
        self.epoch = epoch
    }

    /// Channels, height and width of the network's input.
    public var shape: (channels: Int, height: Int, width: Int) { preprocessing.inputShape }

    /// Writes the `[H, W, C]` numbers of an image; see `ImageTransform`.
    public func write(
        _ image: PixelBuffer, index: Int, into output: UnsafeMutableBufferPointer<Float>
    ) throws(TrainingError) {
        var random = RandomStream.augmentation.generator(seed: seed, epoch, index)
        do throws(ImageError) {
            try preprocessing.normalise(
                augmented(image, with: &random), into: output, as: .interleaved)
        } catch {
            throw TrainingError(.data, error.message)
        }
    }

    /// The augmented image, of the input's size and channels.
    ///
    /// - Throws: `ImageError` when the image cannot be brought to the input's size.
    public func augmented(
        _ image: PixelBuffer, with random: inout SeededGenerator
    ) throws(ImageError) -> PixelBuffer {
        var image = image
        let (width, height) = (preprocessing.width, preprocessing.height)
        switch augmentation.crop {
        case .none:
            break
        case .pad:
            if image.width != width || image.height != height {
                image = image.resized(width: width, height: height)
            }
            let mode: PaddingMode = augmentation.paddingMode == .zero ? .zero : .reflect
            let range = 2 * augmentation.padding + 1
            let x = random.integer(below: range)
            let y = random.integer(below: range)
            image = try image.padded(by: augmentation.padding, mode: mode)
                .cropped(x: x, y: y, width: width, height: height)
        case .resized:
            let box = randomBox(in: image, with: &random)
            image = try image.resized(
                box: (Double(box.x), Double(box.y), Double(box.width), Double(box.height)),
                width: width, height: height)
        }
        if augmentation.flip && random.chance(0.5) { image = image.flippedHorizontally() }
        return try preprocessing.apply(image)
    }

    /// A part of the image of random area and shape (Szegedy et al. 2015; the same ten tries and
    /// the same fall-back to the largest allowed centre part as torchvision's RandomResizedCrop).
    func randomBox(
        in image: PixelBuffer, with random: inout SeededGenerator
    ) -> (x: Int, y: Int, width: Int, height: Int) {
        let area = Double(image.width * image.height)
        for _ in 0..<10 {
            let target =
                area * random.uniform(augmentation.minimumScale, augmentation.maximumScale)
            let ratio = exp(
                random.uniform(log(augmentation.minimumRatio), log(augmentation.maximumRatio)))
            let width = Int((target * ratio).squareRoot().rounded())
            let height = Int((target / ratio).squareRoot().rounded())
            if (1...image.width).contains(width) && (1...image.height).contains(height) {
                let y = random.integer(below: image.height - height + 1)
                let x = random.integer(below: image.width - width + 1)
                return (x, y, width, height)
            }
        }
        let ratio = Double(image.width) / Double(image.height)
        var (width, height) = (image.width, image.height)
        if ratio < augmentation.minimumRatio {
            height = Int((Double(width) / augmentation.minimumRatio).rounded())
        } else if ratio > augmentation.maximumRatio {
            width = Int((Double(height) * augmentation.maximumRatio).rounded())
        }
        return ((image.width - width) / 2, (image.height - height) / 2, width, height)
    }
}

/// The transform of test images: exactly the `Preprocessing` that an exported model states.
public struct EvaluationTransform: ImageTransform {
    /// Size, resize rule, channels, mean and standard deviation.
    public let preprocessing: Preprocessing

    /// Creates the transform.
    public init(preprocessing: Preprocessing) {
        self.preprocessing = preprocessing
    }

    /// Channels, height and width of the network's input.
    public var shape: (channels: Int, height: Int, width: Int) { preprocessing.inputShape }

    /// Writes the `[H, W, C]` numbers of an image; see `ImageTransform`.
    public func write(
        _ image: PixelBuffer, index: Int, into output: UnsafeMutableBufferPointer<Float>
    ) throws(TrainingError) {
        do throws(ImageError) {
            try preprocessing.normalise(
                preprocessing.apply(image), into: output, as: .interleaved)
        } catch {
            throw TrainingError(.data, error.message)
        }
    }
}

extension Preprocessing {
    /// Channels, height and width of the network's input.
    var inputShape: (channels: Int, height: Int, width: Int) {
        (channelCount, height, width)
    }
}
