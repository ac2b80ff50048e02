public import BONNConfiguration
import BONNNetworks

extension NetworkConfiguration {
    /// Its keys. A change of network brings its own widths and stem.
    public static let keys: [Key<NetworkConfiguration>] = [
        .name(
            "name", \.network, of: Networks.all.map(\.name),
            "the network; sets widths and stem to the paper's unless they are given"
        ).decisive { model, before in
            guard model.network != before.network, let network = Networks.named(model.network)
            else { return }
            model.widths = network.widths
            model.stem = network.stem ?? .cifar
        },
        .integers("widths", \.widths, in: 1...65_536, "channels of stem and stages"),
        .choice("stem", \.stem, "3x3 for small images or 7x7/2 with pooling"),
        .integer(
            "classes", \.classes, in: 0...1_000_000, "outputs; 0: as the data set"),
        .integer(
            "input_channels", \.inputChannels, in: 0...1024,
            "channels of the images; 0: as the data set"),
        .name(
            "method", \.method, of: Methods.all.map(\.card.name),
            "how the network is binarised"),
        .choice(
            "weights", \.weights,
            "of quantized layers: the method's, or real for the first of two stages"),
        .choice(
            "xnor_source", \.xnorSource, "XNOR-Net: backward pass of paper or code"),
        .integer(
            "kernel_terms", \.kernelTerms, in: 1...8, "ABC-Net: bases of a kernel, M"),
        .integer(
            "activation_planes", \.activationPlanes, in: 1...8,
            "ABC-Net: planes of an activation, N"),
        .choice("reading", \.reading, "BONN: what w multiplies (methods 1.4)"),
        .choice("scale_gradient", \.scaleGradient, "BONN: gradient of w"),
        .choice(
            "activation_estimator", \.activationSlope,
            "gradient of the sign of activations"),
        .choice("shortcut", \.shortcut, "a shortcut per convolution or per two"),
        .choice("prelu_placement", \.preluPlacement, "PReLU after or before the sum"),
        .number(
            "latent_std", \.latentStd, in: 1e-6...10,
            "standard deviation of the latent weights at the start"),
        .number(
            "initial_scale", \.initialScale, in: 0...1000,
            "mean of w at the start; 0: 1 / sqrt(fan-in)"),
        .number("dropout", \.dropout, in: 0...0.99, "probability of dropping"),
    ]
}
