public import BONNModelFormat

/// Where the numbers of a network come from: a trained network, a seeded random one, somebody's file.
public protocol WeightSource {
    /// The values of a parameter `LAYER.weight` or `LAYER.bias` of a real layer, in row-major order.
    func values(_ parameter: Name) throws(LoweringError) -> [Float]

    /// A batch norm in its inference form, `y = fl(fl(x * scale) + shift)`.
    func affine(_ batchNorm: Name) throws(LoweringError) -> (scale: [Float], shift: [Float])

    /// The deployed kernel of a layer with quantized weights.
    func kernel(_ layer: Name) throws(LoweringError) -> DeployedKernel

    /// The deployed form of an activation quantizer.
    func activation(_ quantizer: Name) throws(LoweringError) -> DeployedActivation

    /// The 8-bit form of a real layer; nil: it stays real.
    func bytes(_ layer: Name) throws(LoweringError) -> Int8Form?
}

extension WeightSource {
    /// Nothing has an 8-bit form.
    public func bytes(_ layer: Name) throws(LoweringError) -> Int8Form? { nil }
}

/// What keeps a network from becoming a model file.
public struct LoweringError: Error, Equatable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: String, Sendable {
        /// NaN or infinity among the weights.
        case notFinite
        /// The runtime has no operation for this.
        case unsupported
        /// The numbers cannot be had.
        case source
        /// The model file was refused by its own rules.
        case format
    }
    /// The kind of error.
    public let code: Code
    /// What, where, expected, found, what to do.
    public let message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
