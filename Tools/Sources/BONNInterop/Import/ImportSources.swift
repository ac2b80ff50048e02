/// The sources that can be asked for by name: a line, and a page of its own, each.
public enum ImportSources {
    /// All of them.
    public static let all: [ImportSource] = [
        .bonnResNet18, .biRealNet18, .biRealNet34, .reActNet18, .reActNetA, .xnorNetworkInNetwork,
        .irNet20, .recu20, .torchvision18, .torchvision34,
    ]

    /// The source of a name, or nil.
    public static func named(_ name: String) -> ImportSource? { all.first { $0.name == name } }
}
