import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

@Suite struct CancellationTests {
    /// One convolution that takes seconds: a piece of it is over in milliseconds.
    private static func slow() throws -> Model {
        var builder = ModelBuilder(seed: 9, input: Shape(16, 200, 200))
        let c = builder.convolution("input", outputs: 32, window: Window(41, padding: 20))
        let means = builder.globalAveragePool(c)
        return try Model(builder.model(output: means), limits: .unlimited)
    }

    @Test(arguments: [1, 2]) func `a run ends soon after it is cancelled from another thread`(
        threads: Int
    ) throws {
        let model = try Self.slow()
        var session = try InferenceSession(model, threads: threads)
        let input = [Float](repeating: 0.5, count: model.inputShape.count)
        let cancellation = session.cancellation
        let clock = ContinuousClock()
        let start = clock.now
        let other = Thread {
            Thread.sleep(forTimeInterval: 0.1)
            cancellation.cancel()
        }
        other.start()
        let error = #expect(throws: RuntimeError.self) { try session.run(input) }
        #expect(error?.code == .cancelled)
        // The whole run takes some 20 seconds without optimisation of the kernels.
        #expect(clock.now - start < .seconds(2))
    }

    @Test func `a session is as good as new after a cancelled run`() throws {
        let file = RandomModels.model(seed: 12)
        let model = try Model(file)
        var generator = SeededGenerator(seed: 12)
        let image = RandomModels.image(for: file, &generator)
        var session = try InferenceSession(model, threads: 2)
        let expected = try session.run(image)
        session.cancellation.cancel()
        let error = #expect(throws: RuntimeError.self) { try session.run(image) }
        #expect(error?.code == .cancelled)
        #expect(try session.run(image) == expected)
    }
}
