import Torch

/// A center for each class in the space of features, which follows the images and no gradient (center loss, Wen
/// et al., ECCV 2016):
///
///     c_j <- c_j - rate sum_{i of class j} (c_j - f_i) / (1 + n_j)    once a batch, n_j images of class j in it
///
/// One image moves its center by half of the rate, and a class that the batch lacks stays.
struct ClassCenters {
    /// c, `[classes, D]`.
    let parameter: Parameter

    /// Distances of features [N, D] from the centers of their classes.
    func offsets(_ features: Tensor, labels: Tensor) throws(TorchError) -> Tensor {
        try features - parameter.tensor.indexSelect(dim: 0, labels)
    }

    /// Moves the centers of the classes of `labels` [N] towards `features` [N, D].
    func follow(_ features: Tensor, labels: Tensor, rate: Double) throws(TorchError) {
        try withoutGradient { () throws(TorchError) in
            let members = try membership(labels)
            let counts = try members.sum([1], keep: true)
            let sums = try members.matmul(features.detached().to(.float32))
            let shift = try (sums - counts * parameter.tensor) / (counts + 1.0)
            try parameter.tensor.add_(shift, scale: rate)
        }
    }

    /// One-hot rows of the classes, [classes, N].
    func membership(_ labels: Tensor) throws(TorchError) -> Tensor {
        let classes = parameter.tensor.shape[0]
        let indices = try Tensor.arange(classes).reshape([classes, 1])
            .to(labels.device)
        return try indices.eq(labels.unsqueeze(0)).to(.float32)
    }
}
