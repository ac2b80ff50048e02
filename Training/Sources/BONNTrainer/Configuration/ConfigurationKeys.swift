import BONNData
import BONNMethods

private let anyNumber = 0.0...Double.greatestFiniteMagnitude

extension ConfigurationKey {
    /// Every key of a recipe, in the order in which `config.yaml` lists them.
    public static let all: [ConfigurationKey] =
        data + model + optimizer + schedule + losses + augmentation + run

    /// The key of a path, or nil.
    public static func named(_ path: String) -> ConfigurationKey? { byPath[path] }

    private static let byPath = [String: ConfigurationKey](
        uniqueKeysWithValues: all.map { ($0.path, $0) })

    private static let data: [ConfigurationKey] = [
        .text("data.path", \.data.path, "a folder of images, or synthetic")
            .changeable(),
        .flag("data.coarse_labels", \.data.coarseLabels, "CIFAR-100: 20 classes and not 100"),
        .choice("data.folder_order", \.data.folderOrder, "image folders: order of the images"),
        .integer(
            "data.train_images", \.data.trainImages, in: 0...(.max),
            "training images used; 0: all"),
        .integer(
            "data.test_images", \.data.testImages, in: 0...(.max),
            "test images used; 0: all"),
        .choice(
            "data.subset", \.data.subset,
            "which ones: spread by the seed, each class with its share, or the first of the set"),
        .optionalNumber(
            "data.validation_share", \.data.validationShare, in: 0.001...0.999,
            "of each class, held out by the seed: to test where a folder has no parts (null: 0.2), "
                + "else to validate (null: none)"),
        .integer("data.batch_size", \.data.batchSize, in: 1...1_000_000, "images per step"),
        .choice(
            "data.sampler", \.data.sampler,
            "uniform: each training image once an epoch; balanced: each class as often"),
        .flag("data.drop_last", \.data.dropLast, "leave out a last batch that is not full"),
        .integer("data.workers", \.data.workers, in: 1...256, "threads that read and augment")
            .changeable(),
        .integer("data.queue", \.data.queue, in: 1...1024, "batches ready ahead of the step")
            .changeable(),
        .flag(
            "data.skip_broken", \.data.skipBroken,
            "leave out and count unreadable image files instead of stopping"),
        .flag(
            "data.exif_orientation", \.data.exifOrientation,
            "turn image files as EXIF says that they were held"),
        .number(
            "data.decoding_limit", \.data.decodingLimit, in: 0.001...1e6,
            "MB that decoding images may take, all workers together"
        ).changeable(),
    ]

    private static let model: [ConfigurationKey] = [
        .architecture(
            "model.name", "the network; sets widths and stem to the paper's unless they are given"),
        .integers("model.widths", \.model.widths, in: 1...65_536, "channels of stem and stages"),
        .choice("model.stem", \.model.stem, "3x3 for small images or 7x7/2 with pooling"),
        .integer(
            "model.classes", \.model.classes, in: 0...1_000_000, "outputs; 0: as the data set"),
        .integer(
            "model.input_channels", \.model.inputChannels, in: 0...1024,
            "channels of the images; 0: as the data set"),
        .name(
            "model.method", \.model.method, of: Methods.all.map(\.card.name),
            "how the network is binarised"),
        .choice(
            "model.weights", \.model.weights,
            "of quantized layers: the method's, or real for the first of two stages"),
        .choice(
            "model.xnor_source", \.model.xnorSource, "XNOR-Net: backward pass of paper or code"),
        .integer(
            "model.kernel_terms", \.model.kernelTerms, in: 1...8, "ABC-Net: bases of a kernel, M"),
        .integer(
            "model.activation_planes", \.model.activationPlanes, in: 1...8,
            "ABC-Net: planes of an activation, N"),
        .choice("model.reading", \.model.reading, "BONN: what w multiplies (methods 1.4)"),
        .choice("model.scale_gradient", \.model.scaleGradient, "BONN: gradient of w"),
        .choice(
            "model.activation_estimator", \.model.activationSlope,
            "gradient of the sign of activations"),
        .choice("model.shortcut", \.model.shortcut, "a shortcut per convolution or per two"),
        .choice("model.prelu_placement", \.model.preluPlacement, "PReLU after or before the sum"),
        .number(
            "model.latent_std", \.model.latentStd, in: 1e-6...10,
            "standard deviation of the latent weights at the start"),
        .number(
            "model.initial_scale", \.model.initialScale, in: 0...1000,
            "mean of w at the start; 0: 1 / sqrt(fan-in)"),
        .number("model.dropout", \.model.dropout, in: 0...0.99, "probability of dropping"),
    ]

    private static let optimizer: [ConfigurationKey] = [
        .choice("optimizer.name", \.optimizer.name, "the update rule"),
        .number(
            "optimizer.learning_rate", \.optimizer.learningRate, in: anyNumber,
            "base learning rate, multiplied by the schedule"),
        .optionalNumber(
            "optimizer.scale_learning_rate", \.optimizer.scaleLearningRate, in: anyNumber,
            "base learning rate of w and sigma; null: as the others"),
        .optionalNumber(
            "optimizer.latent_learning_rate", \.optimizer.latentLearningRate, in: anyNumber,
            "base learning rate of latent weights and mu; null: as the others"),
        .number("optimizer.momentum", \.optimizer.momentum, in: 0...0.9999, "of SGD"),
        .flag("optimizer.nesterov", \.optimizer.nesterov, "Nesterov's form of momentum (SGD)"),
        .number("optimizer.beta1", \.optimizer.beta1, in: 0...0.999999, "of Adam"),
        .number("optimizer.beta2", \.optimizer.beta2, in: 0...0.999999, "of Adam"),
        .number("optimizer.epsilon", \.optimizer.epsilon, in: 1e-16...1, "of Adam"),
        .number(
            "optimizer.weight_decay", \.optimizer.weightDecay, in: 0...10,
            "of real weights; never of w, mu, sigma and centres"),
        .choice(
            "optimizer.decay_latent_weights", \.optimizer.decayLatentWeights,
            "decay latent binary weights too; auto: only when losses.kernel is 0"),
        .flag(
            "optimizer.decay_norms", \.optimizer.decayNorms,
            "decay biases, batch norms and PReLU slopes too"),
    ]

    private static let schedule: [ConfigurationKey] = [
        .choice("schedule.name", \.schedule.name, "how the learning rate decays"),
        .integer("schedule.epochs", \.schedule.epochs, in: 1...1_000_000, "passes over the data")
            .changeable(),
        .number(
            "schedule.warmup_epochs", \.schedule.warmupEpochs, in: anyNumber,
            "linear warm-up at the start, in epochs"),
        .integers(
            "schedule.milestones", \.schedule.milestones, in: 0...1_000_000,
            "step: the epochs after which the rate drops"),
        .number("schedule.factor", \.schedule.factor, in: 0...1, "step: what the rate drops by"),
        .number("schedule.floor", \.schedule.floor, in: 0...1, "cosine, linear: the last factor"),
    ]

    private static let losses: [ConfigurationKey] = [
        .number("losses.kernel", \.losses.kernel, in: anyNumber, "lambda, Bayesian kernel loss"),
        .number("losses.feature", \.losses.feature, in: anyNumber, "theta, Bayesian feature loss"),
        .number("losses.nu", \.losses.nu, in: anyNumber, "nu, variance of the quantisation error"),
        .number(
            "losses.fine_tuning_fraction", \.losses.fineTuningFraction, in: 0...1,
            "share of the epochs, at the end, in which the feature loss acts"),
        .number("losses.center_rate", \.losses.centerRate, in: 0...1, "rate of centre updates"),
        .number(
            "losses.label_smoothing", \.losses.labelSmoothing, in: 0...0.999, "of cross-entropy"),
        .classWeights(
            "losses.class_weights", \.losses.classWeights,
            "of cross-entropy: none, balanced (N / (K n_k) for n_k of N images in K classes), a list"
        ),
    ]

    private static let augmentation: [ConfigurationKey] = [
        .choice("augmentation.crop", \.augmentation.crop, "how training images are cropped"),
        .integer("augmentation.padding", \.augmentation.padding, in: 0...256, "pad: pixels"),
        .choice("augmentation.padding_mode", \.augmentation.paddingMode, "pad: what it holds"),
        .flag("augmentation.flip", \.augmentation.flip, "mirror half of the training images"),
        .number(
            "augmentation.minimum_scale", \.augmentation.minimumScale, in: 1e-4...1,
            "resized: smallest part of the area"),
        .number(
            "augmentation.maximum_scale", \.augmentation.maximumScale, in: 1e-4...1,
            "resized: largest part of the area"),
        .number(
            "augmentation.minimum_ratio", \.augmentation.minimumRatio, in: 0.01...100,
            "resized: smallest width over height"),
        .number(
            "augmentation.maximum_ratio", \.augmentation.maximumRatio, in: 0.01...100,
            "resized: largest width over height"),
        .size(
            "augmentation.image_size", \.augmentation.imageSize,
            "the network's input, one side or HEIGHTxWIDTH; 0: as the data set"),
        .choice(
            "augmentation.resize", \.augmentation.resize,
            "test images; auto: crop, but stretch those of differing sizes if not square"),
        .integer(
            "augmentation.resize_to", \.augmentation.resizeTo, in: 0...8192,
            "crop: shorter side of test images before the centre crop; 0: image_size / 0.875"),
        .numbers(
            "augmentation.mean", \.augmentation.mean, in: 0...1,
            "of each channel; empty: measured on the training images"),
        .numbers(
            "augmentation.std", \.augmentation.std, in: 1e-3...10,
            "of each channel; empty: measured on the training images"),
    ]

    private static let run: [ConfigurationKey] = [
        .integer("run.seed", \.run.seed, in: 0...(.max), "of everything that is random"),
        .text("run.device", \.run.device, "cpu, cuda, cuda:N or mps").changeable(),
        .integer("run.threads", \.run.threads, in: 0...1024, "of LibTorch; 0: one per core")
            .changeable(),
        .text("run.output", \.run.output, "the run directory").changeable(),
        .integer(
            "run.evaluate_every", \.run.evaluateEvery, in: 1...1_000_000,
            "epochs between measurements on the test set"),
        .number(
            "run.checkpoint_minutes", \.run.checkpointMinutes, in: anyNumber,
            "minutes between checkpoints within an epoch; 0: none"
        ).changeable(),
        .number(
            "run.ema_decay", \.run.emaDecay, in: 0...0.999999,
            "moving average of the weights; 0: off"),
        .flag("run.layer_statistics", \.run.layerStatistics, "write layers.csv"),
    ]
}
