import Testing
import Torch

@Suite struct DataTests {
    @Test func `elements come back as they went in, for every element type`() throws {
        let floats: [Float] = [1.5, -2, .infinity, 4, 5, 6]
        #expect(try Tensor(floats, shape: [2, 3]).floats() == floats)
        let doubles = [0.1, -1e300, 3]
        #expect(try Tensor(doubles: doubles, shape: [3]).doubles() == doubles)
        let integers: [Int64] = [.min, .max, 0]
        #expect(try Tensor(int64s: integers, shape: [3, 1]).int64s() == integers)
        let bytes: [UInt8] = [0, 7, 255, 128]
        let image = try Tensor(bytes: bytes, shape: [2, 2])
        #expect(image.dtype == .uint8)
        #expect(try image.bytes() == bytes)
        #expect(try image.floats() == [0, 7, 255, 128])
        for dtype in DType.allCases {
            let x = try Tensor.full([3], 1, dtype: dtype)
            #expect(x.dtype == dtype)
            #expect(try x.bytes().count == 3 * dtype.size)
            #expect(try x.doubles() == [1, 1, 1])
            #expect(try Tensor(bytes: x.bytes(), shape: [3], dtype: dtype).equals(x))
        }
    }

    @Test func `views read their own elements in row-major order`() throws {
        let x = try Tensor.arange(12, dtype: .float32).view([3, 4])
        #expect(try x.transpose(0, 1).floats() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
        #expect(try x.narrow(dim: 1, start: 1, length: 2).floats() == [1, 2, 5, 6, 9, 10])
        #expect(try x.select(dim: 0, index: 2).int64Values() == [8, 9, 10, 11])
        let corner = try x.narrow(dim: 0, start: 0, length: 1)
        try withoutGradient { () throws(TorchError) in try corner.fill_(-1) }
        #expect(try x.floats().prefix(5) == [-1, -1, -1, -1, 4])
        let copy = try x.clone()
        try withoutGradient { () throws(TorchError) in try copy.zero_() }
        #expect(try x.select(dim: 0, index: 1).floats() == [4, 5, 6, 7])
    }

    @Test func `scalars and empty tensors have shapes like any other`() throws {
        let scalar = try Tensor.full([], 2.5)
        #expect(scalar.shape == [] && scalar.rank == 0 && scalar.count == 1)
        #expect(try scalar.item() == 2.5)
        let empty = try Tensor([], shape: [0, 3])
        #expect(empty.shape == [0, 3] && empty.count == 0)
        #expect(try empty.floats() == [])
        #expect(try empty.sum().item() == 0)
        #expect(empty.description == "float32 [0, 3] on cpu")
    }

    @Test func `equality looks at element type, shape and every value`() throws {
        let x = try Tensor([1, 2], shape: [2])
        #expect(try x.equals(Tensor([1, 2], shape: [2])))
        #expect(try !x.equals(Tensor([1, 3], shape: [2])))
        #expect(try !x.equals(Tensor([1, 2], shape: [2, 1])))
        #expect(try !x.equals(Tensor(doubles: [1, 2], shape: [2])))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `one element that is no number is found among many`(value: Float) throws {
        var values = [Float](repeating: 3e38, count: 1000)
        #expect(try Tensor(values, shape: [1000]).allFinite())
        values[637] = value
        #expect(try !Tensor(values, shape: [10, 100]).allFinite())
        #expect(try Tensor([], shape: [0]).allFinite())
    }
}

extension Tensor {
    /// The elements of a floating-point tensor of whole numbers.
    fileprivate func int64Values() throws -> [Int64] { try to(.int64).int64s() }
}
