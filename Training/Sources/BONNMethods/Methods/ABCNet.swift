public import BONNConfiguration
public import BONNNetworks
public import Torch

/// ABC-Net (Lin et al., NIPS 2017): kernels as sums of M bases of signs, activations as sums of N planes
/// (methods.md 2.6).
public struct ABCNet: Method {
    /// What is known of the method.
    public static let card = MethodCard(
        name: "abc", title: "ABC-Net, sums of bases",
        paper: "Lin et al., Towards Accurate Binary Convolutional Neural Network, NIPS 2017",
        widths: "M/N",
        reported: "ResNet-18 on ImageNet 42.7 % (1 x 1), 61.0 % (3 x 3), 65.0 % (5 x 5)",
        figures: [
            ReportedFigure("resnet18", .imageNet, 65.0, note: "5 terms, 5 planes"),
            ReportedFigure("resnet34", .imageNet, 68.4, note: "5 terms, 5 planes"),
        ],
        deployment: "in bits, M x N convolutions")

    /// u_i: where the bases B_i = sign(W - mean(W) + u_i std(W)) are cut.
    public var kernelShifts: [Double]
    /// v_n at the start: where the planes A_n are cut, +1 where clip(R + v_n, 0, 1) >= 0.5.
    public var activationShifts: [Double]

    /// M; another one spreads all bases and planes anew.
    public var kernelTerms: Int {
        get { kernelShifts.count }
        set { self = ABCNet(kernelTerms: newValue, activationPlanes: activationPlanes) }
    }
    /// N; another one spreads all bases and planes anew.
    public var activationPlanes: Int {
        get { activationShifts.count }
        set { self = ABCNet(kernelTerms: kernelTerms, activationPlanes: newValue) }
    }

    /// The keys of its settings.
    public static let keys: [Key<ABCNet>] = [
        .integer("kernel_terms", \.kernelTerms, in: 1...8, "bases of a kernel, M")
            .formerly("model.kernel_terms"),
        .integer("activation_planes", \.activationPlanes, in: 1...8, "planes of an activation, N")
            .formerly("model.activation_planes"),
    ]

    /// Three bases and three planes.
    public init() { self.init(kernelTerms: 3) }

    /// Creates the method with M bases and N planes. Where the paper gives numbers, they are taken, else
    /// the bases are spread as its default says and the planes alike over [-1.5, 1.5].
    public init(kernelTerms: Int = 3, activationPlanes: Int = 3) {
        switch (kernelTerms, activationPlanes) {
        case (5, 3): (kernelShifts, activationShifts) = ([-2, -1, 0, 1, 2], [-0.9, 0, 0.9])
        case (5, 5):
            (kernelShifts, activationShifts) = (Self.spread(5, 1), [-3.5, -2.5, -1.5, 0, 2.5])
        default:
            (kernelShifts, activationShifts) = (
                Self.spread(kernelTerms, 1), Self.spread(activationPlanes, 1.5)
            )
        }
    }

    /// `count` numbers from -limit to limit; 0 alone.
    private static func spread(_ count: Int, _ limit: Double) -> [Double] {
        guard count > 1 else { return [0] }
        return (0..<count).map { limit * (-1 + 2 * Double($0) / Double(count - 1)) }
    }

    /// Order of the layers.
    public var style: any BlockStyle { BiRealBlock(convolutionsPerBlock: 2) }

    /// A sum of M bases.
    public func kernel(
        _ scope: ParameterScope, latent: Tensor
    ) throws(TorchError) -> any KernelQuantizer { ABCKernel(shifts: kernelShifts) }

    /// A sum of N planes.
    public func activation(
        _ scope: ParameterScope, channels: Int
    ) throws(TorchError) -> any ActivationQuantizer {
        try Activation(scope, shifts: activationShifts)
    }

    /// R ~ sum_n beta_n A_n; v_n and beta_n, one number a plane each, are trained.
    struct Activation: ActivationQuantizer {
        let shifts: [Parameter]
        let weights: [Parameter]

        init(_ scope: ParameterScope, shifts start: [Double]) throws(TorchError) {
            var shifts: [Parameter] = []
            var weights: [Parameter] = []
            for (plane, shift) in start.enumerated() {
                shifts.append(
                    try scope.parameter("v\(plane)", [1], .constant(shift), role: .shift))
                weights.append(
                    try scope.parameter("beta\(plane)", [1], .constant(1), role: .plane))
            }
            self.shifts = shifts
            self.weights = weights
        }

        func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
            if pass.isFusing {
                return try Fused.shiftedSigns(
                    x, shifts: Tensor.cat(shifts.map(\.tensor)),
                    weights: Tensor.cat(weights.map(\.tensor)))
            }
            var total: Tensor?
            for (shift, weight) in zip(shifts, weights) {
                let inside = try (x + shift.tensor).clamp(min: 0, max: 1)
                let value = try inside.detached().ge(0.5).to(.float32) * 2.0 - 1.0
                let plane = try straightThrough(value, gradientOf: inside) * weight.tensor
                total = if let sum = total { try sum + plane } else { plane }
            }
            guard let total else { preconditionFailure("an activation has a plane at least") }
            return total
        }

        func deployed() throws(TorchError) -> DeployedActivation {
            var planes: [Plane] = []
            for (shift, weight) in zip(shifts, weights) {
                let v = try shift.tensor.detached().to(.cpu).floats()[0]
                planes.append(
                    Plane(
                        level: [Plane.level { $0 + v >= 0.5 }],
                        weight: try weight.tensor.detached().to(.cpu).floats()[0]))
            }
            return .planes(planes)
        }
    }
}

extension ParameterRole {
    /// What planes of activations are multiplied by.
    static let plane = ParameterRole("plane", decay: .never, isDeployed: true)
}
