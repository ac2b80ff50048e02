import BONNNetworks

/// The methods that can be asked for by name: a line here and a file of its own each.
public enum Methods {
    /// A method and how a configuration makes it.
    public struct Entry: Sendable {
        /// What is known of it.
        public let card: MethodCard
        /// The method with a configuration's settings.
        public let make: @Sendable (NetworkConfiguration) -> any Method
    }

    /// All of them.
    public static let all: [Entry] = [
        Entry(card: BONN.card) { BONN($0) },
        Entry(card: FullPrecision.card) { FullPrecision(style: $0.block) },
        Entry(card: XNORNet.card) { XNORNet(source: $0.xnorSource) },
        Entry(card: BiRealNet.card) { _ in BiRealNet() },
        Entry(card: ABCNet.card) {
            ABCNet(kernelTerms: $0.kernelTerms, activationPlanes: $0.activationPlanes)
        },
        Entry(card: TBN.card) { _ in TBN() },
        Entry(card: ReActNet.card) { _ in ReActNet() },
    ]

    /// The method of a name, or nil.
    public static func named(_ name: String) -> Entry? { all.first { $0.card.name == name } }
}

extension NetworkConfiguration {
    /// The order of layers that the keys of the model state.
    var block: BONNBlock {
        BONNBlock(shortcut: shortcut, placement: preluPlacement, dropout: dropout)
    }
}

extension BONN {
    init(_ configuration: NetworkConfiguration) {
        self.init(
            block: configuration.block, reading: configuration.reading,
            scaleGradient: configuration.scaleGradient, slope: configuration.activationSlope,
            latentStd: configuration.latentStd, initialScale: configuration.initialScale)
    }
}
