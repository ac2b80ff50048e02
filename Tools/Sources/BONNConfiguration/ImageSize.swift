/// Height and width of the images that a network reads, in pixels.
///
/// As text, one number for a square and HEIGHTxWIDTH otherwise, the order of `[N, C, H, W]`.
public struct ImageSize: Sendable, Hashable {
    /// The sides that images may have.
    public static let sides = 1...4096

    /// Rows of pixels.
    public var height: Int
    /// Columns of pixels.
    public var width: Int

    /// Creates a size; both 0 stand for a size that is not known yet.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// A square.
    public init(_ side: Int) { self.init(height: side, width: side) }

    /// The size that a text spells, or nil: `32`, `48x64`; `0` for a size that is not known yet.
    public init?(_ text: String) {
        let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count <= 2, let height = sides[0], let width = sides[sides.count - 1],
            (height, width) == (0, 0) && sides.count == 1
                || Self.sides.contains(height) && Self.sides.contains(width)
        else { return nil }
        self.init(height: height, width: width)
    }

    /// Whether there is a size.
    public var isKnown: Bool { height > 0 && width > 0 }
    /// Whether height and width are the same.
    public var isSquare: Bool { height == width }
    /// The shorter of the two sides.
    public var shorterSide: Int { min(height, width) }

    /// What texts that are no size are told.
    public static let expectation =
        "one number of pixels or HEIGHTxWIDTH, each from \(sides.lowerBound) to \(sides.upperBound)"
}

extension ImageSize: ExpressibleByIntegerLiteral {
    /// A square; 0: not known yet.
    public init(integerLiteral side: Int) { self.init(side) }
}

extension ImageSize: CustomStringConvertible {
    /// One number for a square, HEIGHTxWIDTH otherwise.
    public var description: String { isSquare ? "\(height)" : "\(height)x\(width)" }
}
