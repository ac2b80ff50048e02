/// What a checkpoint holds of a 1-bit convolution, and what of it is computed with.
struct StoredKernels: Sendable, Equatable {
    /// How the numbers of a kernel lie.
    enum Layout: String, Sendable, CaseIterable {
        /// `[K, C, kh, kw]`, or `[K, C]` of a fully connected layer.
        case kernel
        /// `[K * C * kh * kw, 1]`, in the order of a kernel.
        case column
    }

    /// What is taken from the numbers before their signs.
    enum Center: String, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// The mean of each output channel.
        case filter
        /// The mean over the input channels, at each place of each output channel.
        case inputs
    }

    /// By what the signs are multiplied.
    enum Scale: String, Sendable, CaseIterable {
        /// The one magnitude that each output channel has.
        case stored
        /// The mean magnitude of each output channel.
        case mean
        /// The power of two nearest to the mean magnitude over the standard deviation (of N - 1), each output
        /// channel its own: 2^round(log2(...)), half to even.
        case powerOfTwo
        /// A learned number for each output channel, or one for all: a tensor beside the kernel.
        case learned
        /// 1.
        case one
        /// The numbers are no latent ones: they are computed with as they are.
        case real
    }

    /// The name of the kernel behind that of its module.
    var tensor = "weight"
    /// How it lies.
    var layout = Layout.kernel
    /// What is taken from it first.
    var center = Center.none
    /// Whether what is left is clamped to [-1, 1], before magnitudes are looked at.
    var isClamped = false
    /// By what its signs are multiplied.
    var scale = Scale.mean
    /// The name of the learned scales.
    var scaleTensor = "alpha"

    /// The shape that is stored, of a kernel's.
    func shape(_ kernel: [Int]) -> [Int] {
        switch layout {
        case .kernel: kernel
        case .column: [kernel.reduce(1, *), 1]
        }
    }
}
