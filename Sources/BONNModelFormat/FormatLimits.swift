/// Upper limits that keep a hostile file from demanding absurd memory or time.
///
/// Each is far above what published 1-bit networks need. A file beyond one is refused.
public enum FormatLimits {
    /// Bytes of the header of a model file.
    public static let headerBytes = 2 << 20
    /// Values of a JSON text.
    public static let jsonValues = 200_000
    /// Nodes of a graph.
    public static let nodes = 1 << 13
    /// Channels of a value.
    public static let channels = 1 << 24
    /// Height or width of a value; also the largest side of a JPEG image.
    public static let side = 65_535
    /// Elements of one value (C * H * W).
    public static let elements = 1 << 26
    /// Elements of all values together.
    public static let totalElements = 1 << 28
    /// Kernel size, stride, padding or dilation of a window.
    public static let window = 1 << 10
    /// Products that one binary output sums: such sums are exact in float32.
    public static let binaryTerms = 1 << 24
    /// Products of two signed bytes that one output sums: 2^17 * 127 * 128 is below 2^31.
    public static let byteTerms = 1 << 17
    /// Multiply-accumulates, comparisons and other steps for one image.
    public static let work = 1 << 42
    /// UTF-8 bytes of a name of a node or a tensor.
    public static let nameBytes = 512
}
