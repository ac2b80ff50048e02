/// How the rows of a stored image lie in the scene: the eight values of EXIF's orientation.
public enum Turning: Int, Sendable, CaseIterable {
    /// As they are.
    case none = 1
    /// Mirrored: left and right are exchanged.
    case mirrored = 2
    /// By half a turn.
    case half = 3
    /// Upside down: top and bottom are exchanged.
    case flipped = 4
    /// Rows and columns are exchanged.
    case transposed = 5
    /// By a quarter turn to the right.
    case right = 6
    /// Rows and columns are exchanged, about the other diagonal.
    case transverse = 7
    /// By a quarter turn to the left.
    case left = 8

    /// Whether width and height are exchanged.
    public var exchangesSides: Bool { rawValue >= 5 }
}

extension PixelBuffer {
    /// The image turned as it has to be to stand upright, pixel for pixel as Pillow's
    /// `ImageOps.exif_transpose`.
    public func turned(_ turning: Turning) -> PixelBuffer {
        if turning == .none { return self }
        let (width, height, channels) = (self.width, self.height, self.channels)
        let (newWidth, newHeight) =
            turning.exchangesSides ? (height, width) : (width, height)
        // Where the pixel (0, 0) of the result comes from, and what a step to the right and a step
        // down in the result mean in the source, in bytes.
        let (right, down) = (channels, width * channels)
        let (lastColumn, lastRow) = ((width - 1) * right, (height - 1) * down)
        let (start, column, row) =
            switch turning {
            case .none: (0, right, down)
            case .mirrored: (lastColumn, -right, down)
            case .half: (lastColumn + lastRow, -right, -down)
            case .flipped: (lastRow, right, -down)
            case .transposed: (0, down, right)
            case .right: (lastRow, -down, right)
            case .transverse: (lastColumn + lastRow, -down, -right)
            case .left: (lastColumn, down, -right)
            }
        return withPixels { source in
            PixelBuffer(width: newWidth, height: newHeight, channels: channels) { target in
                for y in 0..<newHeight {
                    for x in 0..<newWidth {
                        let from = start + y * row + x * column
                        let to = (y * newWidth + x) * channels
                        for c in 0..<channels { target[to + c] = source[from + c] }
                    }
                }
            }
        }
    }
}
