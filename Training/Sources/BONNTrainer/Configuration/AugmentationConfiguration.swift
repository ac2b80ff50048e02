public import BONNConfiguration

/// What happens to the pixels before the network sees them.
public struct AugmentationConfiguration: Sendable, Equatable {
    /// How a training image is cropped.
    public enum Crop: String, Sendable, CaseIterable {
        /// Not at all.
        case none
        /// Padded on all sides, then a window of the input's size at a random place.
        case pad
        /// A random part of random size and shape, resized to the input's size.
        case resized
    }
    /// How test images are brought to the input's size.
    public enum Resize: String, Sendable, CaseIterable {
        /// Cropped; stretched where the input is not square and the images differ in size, unless
        /// `resizeTo` is given.
        case auto
        /// The shorter side resized to `resizeTo`, then the centre.
        case crop
        /// Resized to height and width of the input, whatever their shape is.
        case stretch
    }
    /// What the padding holds.
    public enum PaddingMode: String, Sendable, CaseIterable {
        /// Black.
        case zero
        /// The image mirrored at its edge, the edge pixel not repeated.
        case reflect
    }

    /// How a training image is cropped.
    public var crop = Crop.pad
    /// Pixels of padding on each side.
    public var padding = 4
    /// What the padding holds.
    public var paddingMode = PaddingMode.zero
    /// Whether half of the training images are mirrored left to right.
    public var flip = true
    /// The smallest part of the area that a resized crop keeps.
    public var minimumScale = 0.08
    /// The largest part of the area that a resized crop keeps.
    public var maximumScale = 1.0
    /// The smallest width over height of a resized crop.
    public var minimumRatio = 3.0 / 4.0
    /// The largest width over height of a resized crop.
    public var maximumRatio = 4.0 / 3.0
    /// The size of the network's input; 0: that of the data set's images.
    public var imageSize: ImageSize = 0
    /// How test images are brought to the input's size.
    public var resize = Resize.auto
    /// The shorter side that test images are resized to before the centre crop; 0: what leaves the
    /// crop 0.875 of the image, or all of it where the images have the input's size.
    public var resizeTo = 0
    /// The mean of each channel, of full scale 1; empty: measured on the training images.
    public var mean: [Double] = []
    /// The standard deviation of each channel; empty: measured on the training images.
    public var std: [Double] = []

    /// The defaults.
    public init() {}
}

extension AugmentationConfiguration {
    /// Its keys.
    public static let keys: [Key<AugmentationConfiguration>] =
        training.map { $0.varyingByStage() } + [
            .size(
                "image_size", \.imageSize,
                "the network's input, one side or HEIGHTxWIDTH; 0: as the data set"),
            .choice(
                "resize", \.resize,
                "test images; auto: crop, but stretch those of differing sizes if not square"),
            .integer(
                "resize_to", \.resizeTo, in: 0...8192,
                "crop: shorter side of test images before the centre crop; 0: image_size / 0.875"),
            .numbers(
                "mean", \.mean, in: 0...1,
                "of each channel; empty: measured on the training images"),
            .numbers(
                "std", \.std, in: 1e-3...10,
                "of each channel; empty: measured on the training images"),
        ]

    /// Those of training images alone: the network's input does not depend on them.
    private static let training: [Key<AugmentationConfiguration>] = [
        .choice("crop", \.crop, "how training images are cropped"),
        .integer("padding", \.padding, in: 0...256, "pad: pixels"),
        .choice("padding_mode", \.paddingMode, "pad: what it holds"),
        .flag("flip", \.flip, "mirror half of the training images"),
        .number(
            "minimum_scale", \.minimumScale, in: 1e-4...1,
            "resized: smallest part of the area"),
        .number(
            "maximum_scale", \.maximumScale, in: 1e-4...1,
            "resized: largest part of the area"),
        .number(
            "minimum_ratio", \.minimumRatio, in: 0.01...100,
            "resized: smallest width over height"),
        .number(
            "maximum_ratio", \.maximumRatio, in: 0.01...100,
            "resized: largest width over height"),
    ]
}
