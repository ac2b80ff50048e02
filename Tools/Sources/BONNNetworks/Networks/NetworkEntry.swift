public import BONNModelFormat

/// A network that can be asked for by its name.
public struct NetworkEntry: Sendable {
    /// As recipes and command lines spell it.
    public let name: String
    /// What it is, in a few words.
    public let title: String
    /// Who published it.
    public let paper: String
    /// The first layers that it was published with; nil where it has no choice.
    public let stem: Stem?
    /// The channels that it was published with: what they mean, the network says.
    public let widths: [Int]
    /// What the widths are, for messages: `stem and 3 stages`.
    public let widthsMeaning: String
    /// `[C, H, W]` of the images that it was published with.
    public let input: Shape
    /// The classes that it was published with.
    public let classes: Int
    /// The smallest height and width of an image.
    public let smallestSide: Int
    let family: @Sendable (_ widths: [Int], _ stem: Stem) -> any NetworkFamily

    /// The plan of the network.
    ///
    /// - Parameters:
    ///   - input: `[C, H, W]` of an image; nil: as published.
    ///   - classes: how many logits; nil: as published.
    ///   - widths: channels; nil: as published.
    ///   - stem: the first layers; nil: as published.
    ///   - style: in which order layers stand.
    /// - Throws: `PlanError` for widths of another number, and images that do not fit.
    public func plan(
        input: Shape? = nil, classes: Int? = nil, widths: [Int]? = nil, stem: Stem? = nil,
        style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan {
        let chosen = widths ?? self.widths
        try check(widths: chosen)
        let input = input ?? self.input
        guard min(input.height, input.width) >= smallestSide else {
            throw PlanError(
                "images of \(input.height)x\(input.width) are too small for \(name): expected sides of "
                    + "at least \(smallestSide)")
        }
        return try family(chosen, stem ?? self.stem ?? .cifar)
            .plan(input: input, classes: classes ?? self.classes, style: style)
    }

    /// What widths may be.
    private static let widthRange = 1...65_536

    /// Insists on as many widths as the network has, each in its range.
    public func check(widths: [Int]) throws(PlanError) {
        guard widths.count == self.widths.count, widths.allSatisfy(Self.widthRange.contains) else {
            throw PlanError(
                "expected \(self.widths.count) channel numbers from \(Self.widthRange.lowerBound) to "
                    + "\(Self.widthRange.upperBound) for \(name) (\(widthsMeaning), such as "
                    + "\(Self.text(self.widths))), found \(Self.text(widths))")
        }
    }

    private static func text(_ widths: [Int]) -> String {
        widths.map(String.init).joined(separator: "-")
    }
}

extension NetworkEntry {
    /// Creates a network whose first layers are its own.
    package init(
        name: String, title: String, paper: String, widths: [Int], widthsMeaning: String,
        input: Shape, classes: Int, smallestSide: Int,
        family: @escaping @Sendable (_ widths: [Int]) -> any NetworkFamily
    ) {
        self.init(
            name: name, title: title, paper: paper, stem: nil, widths: widths,
            widthsMeaning: widthsMeaning, input: input, classes: classes,
            smallestSide: smallestSide
        ) { widths, _ in family(widths) }
    }
}

/// A network with its numbers.
public protocol NetworkFamily: Sendable {
    /// The plan for images of a shape and a number of classes.
    func plan(
        input: Shape, classes: Int, style: any BlockStyle
    ) throws(PlanError) -> NetworkPlan
}

/// The first layers of a network, always real.
public enum Stem: String, Sendable, Codable, CaseIterable {
    /// 3x3 convolution.
    case cifar
    /// 7x7 convolution with stride 2, and 3x3 max pooling with stride 2.
    case imagenet
}
