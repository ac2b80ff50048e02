/// Numbers that are known while a graph is read: weights, shapes, and what follows from them alone.
struct ONNXConstant {
    /// The elements, row-major.
    enum Values {
        case floats([Float])
        case ints([Int])
        case bools([Bool])
    }

    let shape: [Int]
    let values: Values

    init(_ shape: [Int], _ values: Values) {
        self.shape = shape
        self.values = values
    }

    /// How many elements there are.
    var count: Int {
        switch values {
        case .floats(let values): values.count
        case .ints(let values): values.count
        case .bools(let values): values.count
        }
    }

    /// Integers; nil for other elements.
    var ints: [Int]? { if case .ints(let values) = values { values } else { nil } }
    /// Truth values; nil for other elements.
    var bools: [Bool]? { if case .bools(let values) = values { values } else { nil } }

    /// The elements as float32, integers rounded and truth values as 0 and 1.
    var numbers: [Float] {
        switch values {
        case .floats(let values): values
        case .ints(let values): values.map(Float.init)
        case .bools(let values): values.map { $0 ? 1 : 0 }
        }
    }

    /// The same elements in another shape of as many.
    func reshaped(_ shape: [Int]) -> ONNXConstant { ONNXConstant(shape, values) }

    /// Elements by their places.
    func picking(_ places: [Int], _ shape: [Int]) -> ONNXConstant {
        switch values {
        case .floats(let values): ONNXConstant(shape, .floats(places.map { values[$0] }))
        case .ints(let values): ONNXConstant(shape, .ints(places.map { values[$0] }))
        case .bools(let values): ONNXConstant(shape, .bools(places.map { values[$0] }))
        }
    }
}

/// Shapes of constants, with all products bounded by who asks.
enum ConstantShape {
    /// The shape of what two shapes broadcast to; nil where they do not.
    static func broadcast(_ first: [Int], _ second: [Int]) -> [Int]? {
        let rank = max(first.count, second.count)
        var shape: [Int] = []
        for axis in 0..<rank {
            let a = axis - rank + first.count < 0 ? 1 : first[axis - rank + first.count]
            let b = axis - rank + second.count < 0 ? 1 : second[axis - rank + second.count]
            guard a == b || a == 1 || b == 1 else { return nil }
            shape.append(a == 1 ? b : a)
        }
        return shape
    }

    /// The number of elements, or nil beyond a limit. Without elements too, the product of the other sizes is one that
    /// an `Int` holds, so that strides never overflow.
    static func count(_ shape: [Int], atMost limit: Int) -> Int? {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: max(1, size))
            guard size >= 0, !overflow else { return nil }
            count = product
        }
        if shape.contains(0) { count = 0 }
        return count <= limit ? count : nil
    }

    /// For each element of a shape, row-major, the place in a tensor with the steps `strides` an axis.
    static func places(_ shape: [Int], strides: [Int]) -> [Int] {
        let count = shape.reduce(1, *)
        var places: [Int] = []
        places.reserveCapacity(count)
        var index = [Int](repeating: 0, count: shape.count)
        var place = 0
        for _ in 0..<count {
            places.append(place)
            for axis in shape.indices.reversed() {
                index[axis] += 1
                place += strides[axis]
                guard index[axis] == shape[axis] else { break }
                place -= index[axis] * strides[axis]
                index[axis] = 0
            }
        }
        return places
    }

    /// Steps of a row-major tensor, an axis.
    static func strides(_ shape: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: shape.count)
        for axis in shape.indices.dropLast().reversed() {
            strides[axis] = strides[axis + 1] * shape[axis + 1]
        }
        return strides
    }

    /// Steps of a tensor that is read as one of a larger shape: 0 where it has one element for all.
    static func strides(_ shape: [Int], broadcastTo larger: [Int]) -> [Int] {
        let own = strides(shape)
        let missing = larger.count - shape.count
        return larger.indices.map { axis in
            axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
        }
    }

    /// Axes that may count from the end, as 0..<rank; nil for others and for one twice.
    static func axes(_ axes: [Int], rank: Int) -> [Int]? {
        var result: [Int] = []
        for axis in axes {
            let place = axis < 0 ? axis.addingReportingOverflow(rank).partialValue : axis
            guard (0..<rank).contains(place), !result.contains(place) else { return nil }
            result.append(place)
        }
        return result
    }

    /// What `Reshape` makes of a shape: 0 keeps a size, -1 is what is left; nil where that does not fit.
    static func reshape(_ shape: [Int], to sizes: [Int], allowsZero: Bool) -> [Int]? {
        var result: [Int] = []
        var open: Int?
        for (axis, size) in sizes.enumerated() {
            switch size {
            case -1:
                guard open == nil else { return nil }
                open = axis
                result.append(1)
            case 0 where !allowsZero:
                guard axis < shape.count else { return nil }
                result.append(shape[axis])
            case 0...: result.append(size)
            default: return nil
            }
        }
        guard let whole = count(shape, atMost: .max), let stated = count(result, atMost: .max)
        else {
            return nil
        }
        if let open {
            guard stated > 0, whole % stated == 0 else { return nil }
            result[open] = whole / stated
            return result
        }
        return whole == stated ? result : nil
    }
}
