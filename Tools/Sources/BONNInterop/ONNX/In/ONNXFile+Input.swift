import BONNModelFormat

extension ONNXFile {
    /// The input of the model, what its axes are in ONNX, and how many images the file fixes; 1 where any number may
    /// come.
    ///
    /// - Parameter size: height and width, where the file leaves them open.
    func input(
        _ size: (height: Int, width: Int)?
    ) throws(InteropError) -> (GraphInput, axes: [ImageValue.Axis], batch: Int) {
        // Before version 4 of the format, initializers are inputs too.
        let inputs = inputs.filter { initializers[$0.name] == nil }
        guard inputs.count == 1, let port = inputs.first, let shape = port.shape else {
            throw InteropError(
                .unsupported,
                "\(place): expected one input of a stated shape, found \(inputs.count) inputs; export the "
                    + "network with the image alone")
        }
        let title = "\(place), input '\(printable(port.name.text, limit: 60))'"
        let element: ElementType
        switch ONNXElement(rawValue: port.element) {
        case .float: element = .real
        case .uint8: element = .byte
        default:
            throw InteropError(
                .unsupported,
                "\(title): expected elements of FLOAT or UINT8, found data type \(port.element); export the "
                    + "model in float32")
        }
        let axes: [ImageValue.Axis]
        switch shape.count {
        case 4: axes = hasChannelsLast(port.name) ? ImageValue.pixels : ImageValue.planes
        case 2: axes = [.batch, .channel]
        default:
            throw InteropError(
                .unsupported,
                "\(title): expected the shape [N, C, H, W], [N, H, W, C] or [N, C], found "
                    + "\(shape.count) dimensions")
        }
        var sizes: [ImageValue.Axis: Int] = [.channel: 1, .height: 1, .width: 1]
        for (axis, stated) in zip(axes, shape) {
            switch (axis, stated) {
            case (.batch, nil): sizes[axis] = 1
            // 0 and -1 stand for an open size in some files.
            case (.batch, let stated?): sizes[axis] = max(1, stated)
            case (.height, let stated): sizes[axis] = try side(title, stated, size?.height)
            case (.width, let stated): sizes[axis] = try side(title, stated, size?.width)
            case (_, let stated?) where stated > 0: sizes[axis] = stated
            default:
                throw InteropError(
                    .unsupported,
                    "\(title): expected a stated number of channels, found an open one; export the model "
                        + "with a fixed one")
            }
        }
        let (channels, height, width) = (sizes[.channel]!, sizes[.height]!, sizes[.width]!)
        let input = GraphInput(
            name: port.name, shape: Shape(channels, height, width), element: element)
        return (input, axes, sizes[.batch]!)
    }

    private func side(_ title: String, _ stated: Int?, _ chosen: Int?) throws(InteropError) -> Int {
        switch (stated, chosen) {
        case (let stated?, nil) where stated > 0: return stated
        case (let stated?, let chosen?) where stated > 0:
            guard stated == chosen else {
                throw InteropError(
                    .mismatch,
                    "\(title): expected the size that was asked for, \(chosen), found \(stated) in the "
                        + "file; leave --input-size out")
            }
            return stated
        case (_, let chosen?): return chosen
        default:
            throw InteropError(
                .unsupported,
                "\(title): expected a fixed height and width, found an open one; name them with "
                    + "--input-size HEIGHTxWIDTH, or export the model with fixed ones")
        }
    }

    /// Whether the channels of an input are its last axis, as TensorFlow has them: the first operator that minds moves
    /// them to the front.
    private func hasChannelsLast(_ input: Name) -> Bool {
        var names: Set<Name> = [input]
        for node in nodes where node.inputs.contains(where: names.contains) {
            switch node.operation {
            case "Cast", "Identity", "Add", "Sub", "Mul", "Div":
                names.formUnion(node.outputs)
            case "Transpose": return node.ints("perm") == [0, 3, 1, 2]
            default: return false
            }
        }
        return false
    }
}
