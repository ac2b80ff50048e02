import Foundation
import Testing
import Torch

/// What Golden/record.py recorded from PyTorch.
struct Golden: Decodable {
    struct Array: Decodable {
        let dtype: String
        let shape: [Int]
        let values: [Double]

        /// A tensor of these values; `double` asks for float64 in place of float32.
        func tensor(double: Bool = false) throws -> Tensor {
            let recorded = try #require(DType(rawValue: dtype))
            let wide = try Tensor(doubles: values, shape: shape)
            return try wide.to(double && recorded == .float32 ? .float64 : recorded)
        }
    }

    struct Operation: Decodable {
        let inputs: [String]
        let outputs: [Array]
        /// Of the sum of `ramp` times the first output; empty where it has none.
        let gradients: [Array?]
    }

    struct Operations: Decodable {
        let pool: [String: Array]
        let operations: [String: Operation]
    }

    struct Network: Decodable {
        let images: Array
        let classes: Array
        let start: [String: Array]
        let losses: Array
        let end: [String: Array]
    }

    struct Training: Decodable {
        /// The three parameters after steps 5, 10, 15 and 20.
        let optimisers: [String: [[Array]]]
        let network: Network
    }

    static func operations() throws -> Operations { try read("operations.json") }
    static func training() throws -> Training { try read("training.json") }

    private static func read<Content: Decodable>(_ name: String) throws -> Content {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("Golden/" + name)
        return try JSONDecoder().decode(Content.self, from: Data(contentsOf: file))
    }
}

/// A fixed pattern of multiples of 1/6 between -1 and 1; Golden/record.py has the same.
func ramp(_ shape: [Int], salt: Int = 0, dtype: DType = .float32) throws(TorchError) -> Tensor {
    let count = shape.reduce(1, *)
    return try Tensor(
        doubles: (0..<count).map { Double(($0 + salt) * 7919 % 13 - 6) / 6 }, shape: shape
    ).to(dtype)
}

/// Expects every element of `found` to be within `tolerance` of `expected`, relative for values
/// above 1, and the shapes and element types to be equal.
func expectClose(
    _ found: Tensor, _ expected: Tensor, tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let comment = Comment(rawValue: what)
    #expect(found.shape == expected.shape, comment, sourceLocation: sourceLocation)
    #expect(found.dtype == expected.dtype, comment, sourceLocation: sourceLocation)
    let pairs = zip(try found.doubles(), try expected.doubles())
    for (index, (a, b)) in pairs.enumerated()
    where !(abs(a - b) <= tolerance * max(1, abs(b))) {
        Issue.record(
            "\(what): element \(index) is \(a), expected \(b)", sourceLocation: sourceLocation)
        return
    }
}
