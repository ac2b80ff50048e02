public import BONNModelFormat

extension NetworkPlan {
    /// The same network with layers of one input behind a value, which may be the image: what read the value reads
    /// the last of them. Where the value is the features or the logits, the last of them is.
    ///
    /// - Throws: `PlanError` where nothing defines the value, where a name is there already, and where what
    ///   reads the value cannot read the last layer.
    public func inserting(
        _ added: [(name: Name, layer: LayerPlan)], behind value: Name
    ) throws(PlanError) -> NetworkPlan {
        guard shape(of: value) != nil else {
            throw PlanError("\(value): expected a layer to insert others behind, found none")
        }
        var plan = PlanBuilder(input: input)
        var last = value
        func standIn(_ name: Name) -> Name { name == value ? last : name }
        func insert(behind name: Name) throws(PlanError) {
            guard name == value else { return }
            for insertion in added { last = try plan.add(insertion.layer, insertion.name, last) }
        }
        try insert(behind: Self.input)
        for layer in layers {
            try plan.add(layer.layer, layer.name, inputs: layer.inputs.map(standIn))
            try insert(behind: layer.name)
        }
        return try plan.plan(features: standIn(features), output: standIn(output))
    }

    /// The same network with a batch norm behind a last layer of few bits, whose sums are too large for a softmax.
    public func normalizingQuantizedLogits() throws(PlanError) -> NetworkPlan {
        guard self[output]?.layer.hasQuantizedWeights == true else { return self }
        return try inserting([("\(output).norm", .batchNorm)], behind: output)
    }
}
