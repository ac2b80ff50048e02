/// The ten classes of the synthetic images.
enum SyntheticShape: String, CaseIterable {
    case disc
    case ring
    case square
    case frame
    case triangle
    case cross
    case star
    case crescent
    case bars
    case dots

    /// The signed distance (or a bound of it) from a point to the edge of the shape of radius 1
    /// around the origin; negative inside.
    func distance(_ x: Double, _ y: Double) -> Double {
        switch self {
        case .disc:
            return length(x, y) - 0.9
        case .ring:
            return abs(length(x, y) - 0.72) - 0.22
        case .square:
            return max(abs(x), abs(y)) - 0.8
        case .frame:
            return abs(max(abs(x), abs(y)) - 0.65) - 0.2
        case .triangle:
            // Three half-planes whose normals are 120 degrees apart.
            let side = 0.5 * y + 0.866_025_403_784_438_6 * abs(x)
            return max(side, -y) - 0.5
        case .cross:
            let (a, b) = (abs(x), abs(y))
            return min(max(a - 0.98, b - 0.28), max(b - 0.98, a - 0.28))
        case .star:
            return Self.starDistance(x, y)
        case .crescent:
            return max(length(x, y) - 0.95, 0.72 - length(x - 0.45, y))
        case .bars:
            return max(abs(abs(x) - 0.58) - 0.25, abs(y) - 0.9)
        case .dots:
            return length(abs(x) - 0.55, abs(y) - 0.55) - 0.36
        }
    }

    /// A five-pointed star: of the ten half-planes whose edges are the sides of a pentagram, the
    /// star is where at most one is violated, so its distance is the second largest.
    private static func starDistance(_ x: Double, _ y: Double) -> Double {
        var largest = -Double.infinity
        var second = -Double.infinity
        for (nx, ny) in pentagonNormals {
            let distance = x * nx + y * ny - 0.31
            if distance > largest {
                (largest, second) = (distance, largest)
            } else if distance > second {
                second = distance
            }
        }
        return second
    }

    /// The unit vectors at 90 + 72 k degrees.
    private static let pentagonNormals: [(Double, Double)] = [
        (0, 1), (-0.951_056_516_295_153_5, 0.309_016_994_374_947_4),
        (-0.587_785_252_292_473_1, -0.809_016_994_374_947_5),
        (0.587_785_252_292_473_1, -0.809_016_994_374_947_5),
        (0.951_056_516_295_153_5, 0.309_016_994_374_947_4),
    ]
}

/// The length of a vector; a square root is exactly rounded everywhere, hypot is not.
func length(_ x: Double, _ y: Double) -> Double {
    (x * x + y * y).squareRoot()
}
