import BONNNetworks
import Torch

/// sum_m alpha_m B_m, with B_m = sign(W - mean(W) + u_m std(W)) and alpha the least squares solution of
/// W ~ sum_m alpha_m B_m over the layer, constant in backward; the gradient is that of sum_m alpha_m W.
struct ABCKernel: KernelQuantizer {
    /// u.
    let shifts: [Double]

    /// What is added to the diagonal of B^T B, over the number of weights: bases of few weights may be
    /// the same, and then any division of their weight among them is as good.
    private static let ridge = 1e-9

    func callAsFunction(_ latent: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
        let (bases, alpha) = try bases(latent)
        var value: Tensor?
        for (base, alpha) in zip(bases, alpha) {
            let term = try signOrPlusOne(base) * Double(alpha)
            value = if let sum = value { try sum + term } else { term }
        }
        guard let value else { preconditionFailure("a kernel has a base at least") }
        return try straightThrough(
            value, gradientOf: latent * alpha.reduce(0) { $0 + Double($1) })
    }

    func deployed(_ latent: Tensor) throws(TorchError) -> DeployedKernel {
        let (bases, alpha) = try bases(latent)
        var terms: [KernelTerm] = []
        for (base, alpha) in zip(bases, alpha) {
            terms.append(KernelTerm(signs: try base.to(.cpu).floats(), scale: [alpha]))
        }
        return .binary(terms)
    }

    /// The numbers whose signs are the bases, and alpha.
    private func bases(_ latent: Tensor) throws(TorchError) -> (bases: [Tensor], alpha: [Float]) {
        let still = try latent.detached()
        let centered = try still - still.mean()
        let deviation = try still.flatten().variance([0], unbiased: false).sqrt()
        var bases: [Tensor] = []
        var signs: [Tensor] = []
        for shift in shifts {
            let base = try centered + deviation * shift
            bases.append(base)
            signs.append(try signOrPlusOne(base).flatten())
        }
        let matrix = try Tensor.stack(signs).to(.float64)
        let target = try still.flatten().to(.float64)
        let count = Double(target.count)
        let gram = try matrix.matmul(matrix.transpose(0, 1)).to(.cpu).doubles()
        let products = try matrix.matmul(target.unsqueeze(1)).to(.cpu).doubles()
        let rows = shifts.indices.map { row in
            shifts.indices.map { column in
                gram[row * shifts.count + column] + (row == column ? Self.ridge * count : 0)
            }
        }
        return (bases, Self.solution(rows, products).map { Float($0) })
    }

    /// The solution of a symmetric positive definite system, by Cholesky's decomposition.
    static func solution(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
        let size = right.count
        var lower = matrix
        for row in 0..<size {
            for column in 0...row {
                let sum = (0..<column).reduce(matrix[row][column]) {
                    $0 - lower[row][$1] * lower[column][$1]
                }
                lower[row][column] =
                    row == column ? sum.squareRoot() : sum / lower[column][column]
            }
        }
        var x = right
        for row in 0..<size {
            let sum = (0..<row).reduce(x[row]) { $0 - lower[row][$1] * x[$1] }
            x[row] = sum / lower[row][row]
        }
        for row in (0..<size).reversed() {
            let sum = (row + 1..<size).reduce(x[row]) { $0 - lower[$1][row] * x[$1] }
            x[row] = sum / lower[row][row]
        }
        return x
    }
}
