/// The graph of a model: a list of operations over named values, definition before use.
///
/// Every node defines exactly one value, which carries the node's name. Shapes are `[C, H, W]`
/// per image; the batch dimension is the session's business and never appears in a file.
public struct Graph: Sendable, Equatable {
    /// The one input of the network.
    public var input: GraphInput
    /// The operations, each after everything that it reads.
    public var nodes: [Node]
    /// The name of the value that holds the logits; its shape is `[K, 1, 1]`.
    public var output: Name

    /// Creates a graph; `GraphValidation` checks it.
    public init(input: GraphInput, nodes: [Node], output: Name) {
        self.input = input
        self.nodes = nodes
        self.output = output
    }
}

/// The input of a graph: its name, its shape `[C, H, W]`, and whether it is real or 8-bit.
public struct GraphInput: Sendable, Equatable {
    /// The name of the value.
    public var name: Name
    /// `[C, H, W]`.
    public var shape: Shape
    /// `.real` (preprocessed pixels) or `.byte` (pixels as they are).
    public var element: ElementType

    /// Creates an input description.
    public init(name: Name, shape: Shape, element: ElementType) {
        self.name = name
        self.shape = shape
        self.element = element
    }
}

/// The shape of one image's value: channels, height, width.
public struct Shape: Sendable, Equatable, Hashable {
    /// C.
    public var channels: Int
    /// H.
    public var height: Int
    /// W.
    public var width: Int

    /// Creates a shape `[C, H, W]`.
    public init(_ channels: Int, _ height: Int, _ width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// C * H * W.
    public var count: Int { channels * height * width }
}

/// What the elements of a value are.
public enum ElementType: String, Sendable, Hashable, CaseIterable {
    /// 32-bit floating point.
    case real
    /// 32-bit integers: the accumulators of a binary layer without a scale.
    case integer
    /// Packed bits that stand for -1 and +1 (bit 1 means -1).
    case signedBits = "signed_bits"
    /// Packed bits that stand for 0 and 1 (bit 1 means 0, the low level, as above).
    case unsignedBits = "unsigned_bits"
    /// Unsigned 8-bit integers: pixels.
    case byte
    /// Signed 8-bit integers in -127...127: what `quantize` makes.
    case signedByte = "signed_byte"
}

/// One operation of the graph and the value that it defines.
public struct Node: Sendable, Equatable {
    /// Unique in the graph; also the name of the value that the node defines.
    public var name: Name
    /// The names of the values that the operation reads, in order.
    public var inputs: [Name]
    /// What is computed.
    public var operation: Operation

    /// Creates a node.
    public init(_ name: Name, _ operation: Operation, inputs: [Name]) {
        self.name = name
        self.operation = operation
        self.inputs = inputs
    }
}
