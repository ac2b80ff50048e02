import Torch

extension RBCN {
    /// What moves when: W, then C with W fixed, and at the end of each epoch batch norms and all else with W and C
    /// fixed (methods.md 3.3).
    ///
    ///     a step:         W <- W - rate dL/dW (W, C),  then  C <- C - rate dL/dC (W, C) at the new W
    ///     its last ones:  the others <- others - rate dL/dothers (W, C, others)
    ///
    /// C needs gradients at the new W, so a step evaluates its batch twice, and running statistics of batch norms
    /// move twice; what is reported is the first evaluation. The second leaves out the losses in which C has no part. Not printed is how much of an epoch its end is:
    /// `share` of the steps, at least one. Without a share the others move in every step, together with W. What is
    /// none of the network's, discriminators and a real network that is trained along, moves once in every step.
    struct Alternation: UpdateRule {
        /// W of all layers.
        private let kernels: Set<ObjectIdentifier>
        /// C of all layers.
        private let matrices: Set<ObjectIdentifier>
        /// What else the network learns.
        private let others: Set<ObjectIdentifier>
        private let share: Double

        init(_ network: Network, share: Double) {
            let layers = network.quantizedLayers
            kernels = Set(layers.map { ObjectIdentifier($0.latent) })
            matrices = Set(layers.flatMap(\.quantizer.parameters).map(ObjectIdentifier.init))
            others = Set(network.store.trainable.map(ObjectIdentifier.init))
                .subtracting(kernels).subtracting(matrices)
            self.share = share
        }

        func callAsFunction(_ step: any UpdateStep) throws -> Evaluation {
            let evaluation = try step.evaluate()
            guard !isEnd(of: step.progress) else {
                try step.update(allBut: kernels.union(matrices))
                return evaluation
            }
            try step.update(allBut: share > 0 ? matrices.union(others) : matrices)
            _ = try step.evaluate(without: [teacherTerm, DiscriminatorLoss.term])
            try step.update(only: matrices)
            return evaluation
        }

        /// Whether the steps of the others have come.
        private func isEnd(of progress: RunProgress) -> Bool {
            let count = (share * Double(progress.steps)).rounded(.up)
            return Double(progress.steps - progress.step) <= count
        }
    }
}
