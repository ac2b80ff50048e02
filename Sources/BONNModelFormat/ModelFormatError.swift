/// What is wrong with a model file, a safetensors file, or a value about to become one.
public struct ModelFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One code for each way to be wrong; the raw value is stable and may be used by scripts.
    public enum Code: String, Sendable, CaseIterable {
        // The container.
        case fileTooShort = "file_too_short"
        case headerTooLong = "header_too_long"
        case headerTruncated = "header_truncated"
        case headerStart = "header_start"
        case unknownElementType = "unknown_element_type"
        case tensorSize = "tensor_size"
        case dataOffsets = "data_offsets"
        case dataOverlap = "data_overlap"
        case dataHole = "data_hole"
        case dataTruncated = "data_truncated"
        case dataTrailing = "data_trailing"
        case dataMisaligned = "data_misaligned"
        case digestMismatch = "digest_mismatch"
        case outOfMemory = "out_of_memory"
        // JSON.
        case invalidUTF8 = "invalid_utf8"
        case jsonSyntax = "json_syntax"
        case jsonTooDeep = "json_too_deep"
        case jsonTooLarge = "json_too_large"
        case jsonDuplicateKey = "json_duplicate_key"
        case missingKey = "missing_key"
        case unknownKey = "unknown_key"
        case wrongType = "wrong_type"
        case unknownName = "unknown_name"
        // The model's metadata.
        case notAModel = "not_a_model"
        case unsupportedVersion = "unsupported_version"
        case conventionMismatch = "convention_mismatch"
        case unknownOperation = "unknown_operation"
        case classNames = "class_names"
        case preprocessing = "preprocessing"
        case parity = "parity"
        // The graph.
        case invalidName = "invalid_name"
        case duplicateName = "duplicate_name"
        case undefinedValue = "undefined_value"
        case inputCount = "input_count"
        case inputElement = "input_element"
        case inputShape = "input_shape"
        case limitExceeded = "limit_exceeded"
        case invalidWindow = "invalid_window"
        case windowTooLarge = "window_too_large"
        case invalidGroups = "invalid_groups"
        case paddingValue = "padding_value"
        case thresholdLevels = "threshold_levels"
        case scaleRule = "scale_rule"
        case graphOutput = "graph_output"
        // The tensors that the graph names.
        case missingTensor = "missing_tensor"
        case tensorType = "tensor_type"
        case tensorShape = "tensor_shape"
        case unreferencedTensor = "unreferenced_tensor"
        case nonFinite = "non_finite"
        case thresholdDirection = "threshold_direction"
        case tailBits = "tail_bits"
    }

    /// Which way.
    public let code: Code
    /// One line for a person: where, what was expected, what was found, what to do.
    public let message: String

    /// Creates an error from the facts of its message.
    public init(_ code: Code, _ place: String, expected: String, found: String, fix: String) {
        self.code = code
        message = "\(place): expected \(expected), found \(found); \(fix)"
    }

    /// The message and the code.
    public var description: String { "\(message) [\(code.rawValue)]" }
}
