/// Which loss terms act in which epochs.
///
/// The Bayesian feature loss is "only used in the fine-tuning process" (section 4.1 of the paper).
/// So a run has two phases: cross-entropy and kernel loss first, and then, for the last share of
/// the epochs and from the learning rate that the schedule has reached by then, the feature loss as
/// well. Its centres and variances start as the class means and variances of a pass over the
/// training set.
public struct PhasePlan: Sendable, Equatable {
    /// The first epoch, counted from 0, in which the feature loss acts; nil if it never does.
    public let fineTuningStart: Int?

    /// The plan of a run. A run with a feature loss fine-tunes for one epoch at least.
    public init(losses: LossConfiguration, epochs: Int) {
        guard losses.feature > 0, losses.fineTuningFraction > 0 else {
            fineTuningStart = nil
            return
        }
        let share = (Double(epochs) * losses.fineTuningFraction).rounded()
        fineTuningStart = epochs - min(epochs, max(1, Int(share)))
    }

    /// Whether the feature loss acts in an epoch, counted from 0.
    public func featureLossActs(inEpoch epoch: Int) -> Bool {
        fineTuningStart.map { epoch >= $0 } ?? false
    }
}
