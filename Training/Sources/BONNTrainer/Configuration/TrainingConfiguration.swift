public import BONNMethods

/// Everything that determines a training run, as a recipe states it.
///
/// The keys of a recipe, their documentation and their ranges are listed once, in
/// `ConfigurationKey.all`; `Recipe` reads and writes them.
public struct TrainingConfiguration: Sendable, Equatable {
    /// Where the images come from.
    public var data = DataConfiguration()
    /// The network. `classes` and `inputChannels` are 0 until the data set is known.
    public var model = NetworkConfiguration(network: "wrn22", classes: 0, inputChannels: 0)
    /// The optimiser.
    public var optimizer = OptimizerConfiguration()
    /// The learning rate over time.
    public var schedule = ScheduleConfiguration()
    /// The weights of the loss terms.
    public var losses = LossConfiguration()
    /// What happens to the pixels.
    public var augmentation = AugmentationConfiguration()
    /// How the run is carried out.
    public var run = RunConfiguration()

    /// The recommended reading of the paper for WRN-22 on CIFAR.
    public init() {}

    /// What held in runs for keys that their recipes do not mention: they are older than the key.
    static let ofOlderRuns: TrainingConfiguration = {
        var configuration = TrainingConfiguration()
        configuration.data.subset = .first
        configuration.data.exifOrientation = false
        return configuration
    }()
}

/// The optimiser and its parameter groups.
public struct OptimizerConfiguration: Sendable, Equatable {
    /// The update rule.
    public enum Name: String, Sendable, CaseIterable {
        /// Stochastic gradient descent with momentum.
        case sgd
        /// Adam with L2 regularisation in the gradient.
        case adam
        /// Adam with decoupled weight decay.
        case adamw
    }

    /// Whether weight decay acts on the latent weights of binary kernels.
    public enum LatentDecay: String, Sendable, CaseIterable {
        /// Only when the kernel loss is off: the two pull the same weights to different places.
        case auto
        /// Always.
        case on
        /// Never.
        case off
    }

    /// The update rule.
    public var name = Name.sgd
    /// The base learning rate; the schedule multiplies it.
    public var learningRate = 0.01
    /// The base learning rate of w and sigma; nil: as the others.
    public var scaleLearningRate: Double?
    /// The base learning rate of the latent weights; nil: as the others.
    public var latentLearningRate: Double?
    /// The momentum of SGD.
    public var momentum = 0.9
    /// Nesterov's form of momentum.
    public var nesterov = true
    /// Decay of the first moment of Adam.
    public var beta1 = 0.9
    /// Decay of the second moment of Adam.
    public var beta2 = 0.999
    /// Added to the root of Adam's second moment.
    public var epsilon = 1e-8
    /// Weight decay of real weights.
    public var weightDecay = 5e-4
    /// Weight decay of latent weights.
    public var decayLatentWeights = LatentDecay.auto
    /// Whether biases, batch norms and PReLU slopes decay as real weights do.
    public var decayNorms = true

    /// The defaults.
    public init() {}
}

/// The learning rate over time.
public struct ScheduleConfiguration: Sendable, Equatable {
    /// The shape of the decay.
    public enum Name: String, Sendable, CaseIterable {
        /// Multiplied by `factor` at each milestone.
        case step
        /// Half a cosine from 1 to `floor`.
        case cosine
        /// A line from 1 to `floor`.
        case linear
        /// 1 throughout.
        case constant
    }

    /// The shape of the decay.
    public var name = Name.step
    /// How many times the training set is seen.
    public var epochs = 200
    /// Epochs of linear warm-up at the start; may be a fraction.
    public var warmupEpochs = 0.0
    /// The epochs after which a step schedule decays.
    public var milestones = [60, 120, 180]
    /// What a step schedule multiplies by.
    public var factor = 0.2
    /// The last factor of a cosine or linear schedule.
    public var floor = 0.0

    /// The defaults.
    public init() {}
}

/// The weights of the loss terms.
public struct LossConfiguration: Sendable, Equatable {
    /// Lambda: the weight of the Bayesian kernel loss (equation 9).
    public var kernel = 1e-4
    /// Theta: the weight of the Bayesian feature loss while fine-tuning (equation 9).
    public var feature = 1e-3
    /// Nu: the variance of the binarisation error (equation 5).
    public var nu = 1e-4
    /// The share of the epochs, at the end, in which the feature loss acts.
    public var fineTuningFraction = 0.25
    /// The rate of the centre updates (center loss).
    public var centerRate = 0.5
    /// Label smoothing of the cross-entropy.
    public var labelSmoothing = 0.0
    /// How much each class counts in the cross-entropy of training.
    public var classWeights = ClassWeights.none

    /// The defaults.
    public init() {}
}

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

/// How the run is carried out.
public struct RunConfiguration: Sendable, Equatable {
    /// The seed of initialisation, order, augmentation and dropout.
    public var seed = 1
    /// `cpu`, `cuda`, `cuda:N` or `mps`.
    public var device = "cpu"
    /// Threads of LibTorch; 0: one per core.
    public var threads = 0
    /// The run directory; empty: chosen by the command line.
    public var output = ""
    /// Epochs between two measurements on the test set; the last epoch is always measured.
    public var evaluateEvery = 1
    /// Minutes after which a checkpoint is saved in the middle of an epoch; 0: never.
    public var checkpointMinutes = 10.0
    /// Decay of the exponential moving average of the weights; 0: off.
    public var emaDecay = 0.0
    /// Whether layers.csv is written.
    public var layerStatistics = true

    /// The defaults.
    public init() {}
}
