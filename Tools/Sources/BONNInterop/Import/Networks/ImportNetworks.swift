import BONNNetworks

/// The networks that a source can be of: those that are trained here, and some that are only read.
enum ImportNetworks {
    /// All of them.
    static let all = Networks.all + [.reActNetA, .xnorNetworkInNetwork]

    /// The network of a name, or nil.
    static func named(_ name: String) -> NetworkEntry? { all.first { $0.name == name } }
}
