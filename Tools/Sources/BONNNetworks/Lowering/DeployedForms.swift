public import BONNModelFormat

// What lowering and the deployment arithmetic know of a method: weighted sums of bit planes. A quantized
// layer computes, of kernel terms m = 1, 2, ... and activation planes n = 1, 2, ...,
//
//     acc = fl(s_11 * a_11),  then for all others, m outside and n inside,  acc = fl(acc + fl(s_mn * a_mn))
//
// where s_mn is the exact integer sum over signs of term m and levels of plane n, and
// a_mn = fl(scale_m * weight_n). One term and one plane of weight 1 are the plain 1-bit layer.

/// What the kernel of a quantized layer is when it is deployed.
public enum DeployedKernel: Sendable, Equatable {
    /// Real numbers, in the order of the layer's weight: this method's weights have no few-bit form.
    case real([Float])
    /// A sum of terms, in this order.
    case binary([KernelTerm])
}

/// Signs times a scale.
public struct KernelTerm: Sendable, Equatable {
    /// Numbers whose signs (0 counts as +1) are the weights, in the order of the layer's weight.
    public var signs: [Float]
    /// One number for all outputs, or one for each.
    public var scale: [Float]

    /// Creates a term.
    public init(signs: [Float], scale: [Float]) {
        self.signs = signs
        self.scale = scale
    }
}

/// What the activation of a quantized layer is when it is deployed.
public enum DeployedActivation: Sendable, Equatable {
    /// The value as it is.
    case real
    /// A weighted sum of bit planes, in this order.
    case planes([Plane])
}

/// One bit an element: high where the value is at least the level of its channel.
public struct Plane: Sendable, Equatable {
    /// One number for all channels, or one for each. Strictly above a number is at least its successor
    /// (`Float.nextUp`).
    public var level: [Float]
    /// `.signedBits`: -1 and +1; `.unsignedBits`: 0 and 1.
    public var levels: ElementType
    /// What the plane is multiplied by.
    public var weight: Float

    /// Creates a plane.
    public init(level: [Float], levels: ElementType = .signedBits, weight: Float = 1) {
        self.level = level
        self.levels = levels
        self.weight = weight
    }

    /// The sign of a value, sign(0) = +1.
    public static let sign = Plane(level: [0])

    /// Insists on planes whose weighted sum never falls where the value that they are made of rises: the
    /// largest sum of a window is then the sum of each plane's largest level, which is what max pooling of
    /// planes computes.
    ///
    /// - Parameters:
    ///   - weights: of the planes.
    ///   - pool: the name of the pooling, for the message.
    public static func requirePoolable(_ weights: [Float], _ pool: Name) throws(LoweringError) {
        guard let weight = weights.first(where: { !($0 >= 0) }) else { return }
        throw LoweringError(
            .unsupported,
            "\(pool): expected planes of weights of at least 0 in front of a max pooling, found \(weight), "
                + "with which the largest sum is not that of the largest levels; let the pooling stand "
                + "behind the layer that reads the planes")
    }
}
