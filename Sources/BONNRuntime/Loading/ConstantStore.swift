import BONNModelFormat

/// The constants of a model while it is loaded: packed weights, scales, thresholds.
///
/// Each is made once, however many nodes read it, straight from the bytes of its tensor, and counted
/// before it is made.
final class ConstantStore {
    /// Which constant: of which tensors, and in which form.
    struct Key: Hashable {
        let form: Form
        let tensors: [Name]
        /// What the form depends on.
        var numbers: [Int] = []
    }

    /// The forms in which constants are read.
    enum Form: Hashable {
        case values, perChannel, blocks, channelBlocks, transposed, bitWeights, bitBases,
            byteWeights
        case thresholds
    }

    /// The node that is being loaded, for messages.
    var node: Name = ""
    private var budget: Budget
    private let tensors: [Name: ModelTensor]
    private var made: [Key: AnyObject] = [:]

    init(_ tensors: [Name: ModelTensor], _ limits: ResourceLimits) {
        self.tensors = tensors
        budget = Budget(limits)
    }

    /// A tensor that validation has found.
    func tensor(_ name: Name) -> ModelTensor { tensors[name]! }

    /// A constant that is there, or made now.
    func constant<Constant: AnyObject>(
        _ key: Key, make: () throws(RuntimeError) -> Constant
    ) throws(RuntimeError) -> Constant {
        if let constant = made[key] as? Constant { return constant }
        let constant = try make()
        made[key] = constant
        return constant
    }

    /// A buffer that is there, or made now and counted.
    func buffer<Element>(
        _ key: Key, count: Int, initializedBy body: (UnsafeMutablePointer<Element>) -> Void
    ) throws(RuntimeError) -> ConstantBuffer<Element> {
        try constant(key) { () throws(RuntimeError) in
            try buffer(count: count, initializedBy: body)
        }
    }

    /// A buffer of one node alone.
    func buffer<Element>(
        count: Int, initializedBy body: (UnsafeMutablePointer<Element>) -> Void
    ) throws(RuntimeError) -> ConstantBuffer<Element> {
        try charge(bytes: saturatingProduct(count, MemoryLayout<Element>.stride))
        return try ConstantBuffer(count: count, initializedBy: body)
    }

    /// The bytes that a kernel set's packing function writes, there or made now. `pack` returns how many
    /// there are, and writes none where there is no place.
    func packed(
        _ key: Key, by pack: (UnsafeMutableRawPointer?) -> Int
    ) throws(RuntimeError) -> ConstantBuffer<UInt8> {
        try buffer(key, count: pack(nil)) { _ = pack($0) }
    }

    /// Counts bytes that are about to be allocated.
    func charge(bytes: Int) throws(RuntimeError) { try budget.charge(bytes: bytes, node: node) }

    /// Counts what the node will do in a run of one image.
    func charge(work: Int) throws(RuntimeError) { try budget.charge(work: work, node: node) }

    /// Counts what is about to be done.
    func charge(loadingWork: Int) throws(RuntimeError) {
        try budget.charge(loadingWork: loadingWork, node: node)
    }
}

extension ConstantStore {
    /// The elements of an F32 tensor.
    func values(_ name: Name) throws(RuntimeError) -> ConstantBuffer<Float> {
        let tensor = tensor(name)
        let count = tensor.count
        return try buffer(Key(form: .values, tensors: [name]), count: count) { to in
            tensor.withFloats { from in for index in 0..<count { to[index] = from[index] } }
        }
    }

    /// The elements of an F32 tensor of one or `channels` elements, `channels` times.
    func perChannel(_ name: Name, channels: Int) throws(RuntimeError) -> ConstantBuffer<Float> {
        let tensor = tensor(name)
        guard tensor.count != channels else { return try values(name) }
        return try buffer(
            Key(form: .perChannel, tensors: [name], numbers: [channels]), count: channels
        ) { to in
            tensor.withFloats { from in to.initialize(repeating: from[0], count: channels) }
        }
    }
}
