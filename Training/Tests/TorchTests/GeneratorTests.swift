import Testing
import Torch

@Suite struct GeneratorTests {
    /// One of each kind of number, so that a cached half of a normal pair would show.
    private func sample(_ draw: Generator) throws -> [[Double]] {
        try [
            draw.normal([3]).doubles(), draw.uniform([5]).doubles(),
            draw.normal([1], dtype: .float64).doubles(),
            draw.bernoulli([4], probability: 0.5).doubles(), draw.permutation(6).doubles(),
            draw.normal([20]).doubles(),
        ]
    }

    @Test(arguments: [0, 1, 0xFFFF_FFFF] as [UInt64])
    func `the same seed gives the same numbers, another seed others`(seed: UInt64) throws {
        #expect(try sample(Generator(seed: seed)) == sample(Generator(seed: seed)))
        #expect(try sample(Generator(seed: seed)) != sample(Generator(seed: seed ^ 2)))
    }

    @Test func `a restored state continues where it was taken`() throws {
        let draw = try Generator(seed: 42)
        // An odd number of normals leaves one of a pair behind.
        _ = try draw.normal([7], dtype: .float64)
        let state = try draw.state()
        let expected = try sample(draw)
        #expect(try sample(draw) != expected)
        try draw.restore(state)
        #expect(try sample(draw) == expected)
        let other = try Generator(seed: 1)
        try other.restore(state)
        #expect(try sample(other) == expected)
    }

    @Test func `what is no state is refused and changes nothing`() throws {
        let draw = try Generator(seed: 42)
        let expected = try sample(Generator(seed: 42))
        #expect(throws: TorchError(.state, "")) { try draw.restore([]) }
        #expect(throws: TorchError(.state, "")) { try draw.restore([1, 2, 3]) }
        #expect(try sample(draw) == expected)
    }

    @Test func `drawing from one generator leaves another alone`() throws {
        let (a, b) = (try Generator(seed: 9), try Generator(seed: 9))
        _ = try b.uniform([100])
        #expect(try sample(a) == sample(Generator(seed: 9)))
    }

    @Test func `the numbers have the distribution they are named for`() throws {
        let draw = try Generator(seed: 2024)
        let normal = try draw.normal([100_000], mean: 3, std: 0.5)
        // Standard errors: 0.5 / sqrt(100000) = 0.0016, 0.25 sqrt(2 / 100000) = 0.0011.
        #expect(try abs(normal.mean().item() - 3) < 0.008)
        #expect(try abs(normal.variance([0]).item() - 0.25) < 0.006)
        let uniform = try draw.uniform([100_000], low: -2, high: 2)
        #expect(try uniform.amin([0]).item() >= -2 && uniform.amax([0]).item() < 2)
        #expect(try abs(uniform.mean().item()) < 0.02)
        #expect(try abs(draw.bernoulli([100_000], probability: 0.2).mean().item() - 0.2) < 0.007)
        #expect(try draw.permutation(1000).int64s().sorted() == Array(0..<1000))
    }
}
