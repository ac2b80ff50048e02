import Testing
import Torch

@testable import BONNMethods

/// Every formula of methods.md 1.5 against finite differences of what it is the derivative of.
@Suite struct FormulaTests {
    // K, C, kh, kw of the small layers; seeds are fixed, so a failure repeats.
    static let shape = [3, 2, 3, 3]
    static let count = 54
    static let taps = 9

    static func sign(_ x: Double) -> Double { x >= 0 ? 1 : -1 }

    @Test(arguments: ScaleReading.allCases, [true, false])
    func `the kernel's gradients are equations 12 and 15`(
        reading: ScaleReading, isFusing: Bool
    ) throws {
        let x = try gaussian(Self.count, seed: 1, deviation: 1.2)
        let w = try gaussian(Self.taps, seed: 2, deviation: 0.2).map { $0 + 1 }
        let g = try gaussian(Self.count, seed: 3)
        let latent = try leaf(x, Self.shape)
        let scale = try leaf(w, [3, 3])
        let quantizer = BONNKernel(scale: scale, reading: reading)
        let kernel = try quantizer(latent, Pass(.training, isFusing: isFusing))
        try (kernel * double(g, Self.shape)).sum().backward()

        // Under reading B the gradient with respect to Xhat is that of the kernel over wbar.
        let wbar = w.reduce(0, +) / Double(w.count)
        let divisor = reading == .divide ? wbar : 1
        func surrogate(_ x: [Double], _ w: [Double]) -> Double {
            x.indices.reduce(0) { sum, k in
                sum + g[k] / divisor * min(1, max(-1, w[k % Self.taps] * x[k]))
            }
        }
        expectClose(
            try #require(latent.grad).doubles(),
            finiteDifferences(at: x) { surrogate($0, w) }, 1e-6, "dX")
        expectClose(
            try #require(scale.grad).doubles(),
            finiteDifferences(at: w) { surrogate(x, $0) }, 1e-6, "dw")
        expectClose(
            try kernel.doubles(),
            x.map { reading == .divide ? Self.sign($0) / wbar : Self.sign($0) * wbar }, 1e-12,
            "kernel")
    }

    @Test(arguments: [ScaleReading.multiply, .divide], [true, false])
    func `the true gradient of w is that of the forward pass`(
        reading: ScaleReading, isFusing: Bool
    ) throws {
        let x = try gaussian(Self.count, seed: 4)
        let w = try gaussian(Self.taps, seed: 5, deviation: 0.1).map { $0 + 0.7 }
        let g = try gaussian(Self.count, seed: 6)
        let latent = try leaf(x, Self.shape)
        let scale = try leaf(w, [3, 3])
        let quantizer = BONNKernel(scale: scale, reading: reading, scaleGradient: .exact)
        let kernel = try quantizer(latent, Pass(.training, isFusing: isFusing))
        try (kernel * double(g, Self.shape)).sum().backward()
        func forward(_ w: [Double]) -> Double {
            let wbar = w.reduce(0, +) / Double(w.count)
            let factor = reading == .divide ? 1 / wbar : wbar
            return zip(g, x).reduce(0) { $0 + $1.0 * Self.sign($1.1) * factor }
        }
        expectClose(
            try #require(scale.grad).doubles(), finiteDifferences(at: w, forward), 1e-6, "dw")
    }

    /// J of equation 7 with the constant xhat, as a plain loop.
    static func kernelLoss(
        _ x: [Double], _ w: [Double], _ mu: [Double], _ sigma: [Double], nu: Double,
        reading: ScaleReading, xhat: [Double]
    ) -> Double {
        let entries = count / shape[0]
        var total = 0.0
        for k in x.indices {
            let kernel = k / entries
            let wbar = w.reduce(0, +) / Double(taps)
            let residual =
                reading == .reconstruct ? wbar * sign(x[k]) - x[k] : xhat[k] - w[k % taps] * x[k]
            let deviation = (abs(x[k]) - mu[kernel]) / sigma[kernel]
            total += residual * residual + nu * deviation * deviation
        }
        for s in sigma {
            total += nu * Double(entries) * 2 * loggingE(s)
        }
        return total
    }

    @Test(arguments: [ScaleReading.multiply, .divide, .reconstruct])
    func `the kernel loss and its gradients are equations 7, 13, 16, 17 and 18`(
        reading: ScaleReading
    ) throws {
        let nu = 0.3
        let x = try gaussian(Self.count, seed: 7)
        let w = try gaussian(Self.taps, seed: 8, deviation: 0.3).map { $0 + 0.8 }
        let mu = [0.4, 0.7, 0.9]
        let sigma = [0.5, 0.3, 0.8]
        let latent = try leaf(x, Self.shape)
        let scale = try leaf(w, [3, 3])
        let means = try leaf(mu, [3])
        let deviations = try leaf(sigma, [3])
        // lambda / 2 is 1.
        let loss = try BayesianKernelLoss(KernelLossSettings(lambda: 2, nu: nu))(
            latent, BONNKernel(scale: scale, mu: means, sigma: deviations, reading: reading))
        try loss.backward()

        let wbar = w.reduce(0, +) / Double(Self.taps)
        let xhat = x.map { reading == .divide ? Self.sign($0) : wbar * Self.sign($0) }
        func value(_ x: [Double], _ w: [Double], _ mu: [Double], _ sigma: [Double]) -> Double {
            Self.kernelLoss(x, w, mu, sigma, nu: nu, reading: reading, xhat: xhat)
        }
        let entries = Double(Self.count / 3)
        expectClose([try loss.item()], [value(x, w, mu, sigma)], 1e-12, "J")
        expectClose(
            try #require(latent.grad).doubles(),
            finiteDifferences(at: x) { value($0, w, mu, sigma) }, 1e-6, "dX")
        expectClose(
            try #require(scale.grad).doubles(),
            finiteDifferences(at: w) { value(x, $0, mu, sigma) }, 1e-6, "dw")
        // The printed forms of equations 17 and 18 are the derivatives over N_i.
        expectClose(
            try #require(means.grad).doubles(),
            finiteDifferences(at: mu) { value(x, w, $0, sigma) }.map { $0 / entries }, 1e-6, "dmu")
        expectClose(
            try #require(deviations.grad).doubles(),
            finiteDifferences(at: sigma) { value(x, w, mu, $0) }.map { $0 / entries }, 1e-6,
            "dsigma")
    }

    @Test func `the feature loss and its gradients are equation 8`() throws {
        let (classes, width, batch, theta) = (4, 5, 7, 0.6)
        let labels: [Int64] = [0, 1, 3, 3, 0, 1, 3]
        let f = try gaussian(batch * width, seed: 9)
        let rho = try gaussian(classes * width, seed: 10)
        let loss = try BayesianFeatureLoss(
            FeatureLossSettings(theta: theta), classes: classes, features: width)
        let centers = try loss.centers.tensor.doubles()
        let features = try leaf(f, [batch, width])
        let targets = try Tensor(int64s: labels, shape: [batch])
        try withoutGradient { () throws(TorchError) in
            try loss.logVariance.tensor.copy_(
                from: Tensor(rho.map(Float.init), shape: [classes, width]))
        }
        let value = try loss(features, labels: targets)
        try value.backward()
        func plain(_ f: [Double], _ rho: [Double]) -> Double {
            var total = 0.0
            for sample in 0..<batch {
                for k in 0..<width {
                    let slot = Int(labels[sample]) * width + k
                    let d = f[sample * width + k] - centers[slot]
                    total += d * d + d * d * exponential(-rho[slot]) + rho[slot]
                }
            }
            return theta / 2 * total / Double(batch)
        }
        expectClose([try value.item()], [plain(f, rho)], 1e-6, "F")
        expectClose(
            try #require(features.grad).doubles(), finiteDifferences(at: f) { plain($0, rho) },
            1e-6, "df")
        expectClose(
            try #require(loss.logVariance.tensor.grad).to(.float64).doubles(),
            finiteDifferences(at: rho) { plain(f, $0) }, 1e-5, "drho")
    }
}
