import BONNMethods
import BONNModelFormat
import Torch

extension Safetensors.Tensor {
    /// The elements of a tensor, copied from its device.
    init(_ name: Name, _ tensor: Torch.Tensor) throws {
        let type: Safetensors.ElementType =
            switch tensor.dtype {
            case .float32: .f32
            case .float64: .f64
            case .int32: .i32
            case .int64: .i64
            case .uint8: .u8
            case .bool: .bool
            }
        self.init(
            name: name, elementType: type, shape: tensor.shape,
            bytes: try tensor.contiguous().bytes())
    }
}

/// Copies tensors out of and into a network, with every mismatch named.
enum TensorCoding {
    /// The parameters and buffers under their names behind a prefix.
    static func capture(
        _ parameters: [Parameter], prefix: String = ""
    ) throws -> [Name: Safetensors.Tensor] {
        try parameters.reduce(into: [:]) { tensors, parameter in
            let name: Name = "\(prefix)\(parameter.name)"
            tensors[name] = try Safetensors.Tensor(name, parameter.tensor.detached())
        }
    }

    /// Copies stored tensors into parameters and buffers.
    ///
    /// - Throws: `.checkpoint` that names the first tensor which is missing, left over, or of
    ///   another shape or type than the network's.
    static func restore(
        _ stored: [Name: Safetensors.Tensor], into parameters: [Parameter], source: String
    ) throws {
        let known = Set(parameters.map { Name($0.name) })
        if let extra = stored.keys.sorted().first(where: { !known.contains($0) }) {
            throw TrainingError(
                .checkpoint,
                "\(source): holds tensor \(extra), which this network does not have; "
                    + "it belongs to another network")
        }
        for parameter in parameters {
            guard let tensor = stored[Name(parameter.name)] else {
                throw TrainingError(
                    .checkpoint,
                    "\(source): tensor \(parameter.name) is missing; it belongs to another network")
            }
            try copy(tensor, into: parameter.tensor, source: source)
        }
    }

    /// Copies one stored tensor into one of the same shape and element type.
    static func copy(
        _ stored: Safetensors.Tensor, into tensor: Torch.Tensor, source: String
    ) throws {
        guard stored.shape == tensor.shape else {
            throw TrainingError(
                .checkpoint,
                "\(source): tensor \(stored.name) has shape \(stored.shape), expected "
                    + "\(tensor.shape); it belongs to another network")
        }
        let values = try self.tensor(stored, source: source)
        guard values.dtype == tensor.dtype else {
            throw TrainingError(
                .checkpoint,
                "\(source): tensor \(stored.name) is \(stored.elementType.rawValue), "
                    + "expected \(tensor.dtype)")
        }
        try withoutGradient { () throws(TorchError) in
            try tensor.copy_(from: values.to(tensor.device))
        }
    }

    /// The type of the elements; nil for one that no tensor of the processor has.
    static func type(of stored: Safetensors.Tensor) -> DType? {
        let types: [Safetensors.ElementType: DType] = [
            .f32: .float32, .f64: .float64, .i32: .int32, .i64: .int64, .u8: .uint8, .bool: .bool,
        ]
        return types[stored.elementType]
    }

    /// A stored tensor as a tensor of the processor.
    static func tensor(_ stored: Safetensors.Tensor, source: String) throws -> Torch.Tensor {
        guard let type = type(of: stored) else {
            throw TrainingError(
                .checkpoint,
                "\(source): tensor \(stored.name) is \(stored.elementType.rawValue), "
                    + "which no checkpoint of this program holds")
        }
        return try Torch.Tensor(bytes: stored.bytes, shape: stored.shape, dtype: type)
    }
}
