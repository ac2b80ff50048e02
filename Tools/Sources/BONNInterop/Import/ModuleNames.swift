import BONNModelFormat

/// Which layer of a residual network is which module of a checkpoint.
///
/// Both count blocks from 0; stages are counted from 0 here and from 1 there: what is `stages.0.2.x` in a
/// plan is `layer1.2.y`.
struct ModuleNames: Sendable {
    private let modules: [String: String]
    private let block: [String: String]

    /// Modules by layers: those outside of blocks, and those of a block behind the block's name.
    init(_ modules: [String: String], block: [String: String]) {
        self.modules = modules
        self.block = block
    }

    /// The module of a layer; nil where it has none.
    func module(of layer: Name) -> String? {
        if let module = modules[layer.text] { return module }
        let parts = layer.text.split(separator: ".", maxSplits: 3)
        guard parts.count == 4, parts[0] == "stages", let stage = Int(parts[1]),
            let module = block[String(parts[3])]
        else { return nil }
        return "layer\(stage + 1).\(parts[2]).\(module)"
    }
}
