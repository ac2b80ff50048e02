import BONNImage

/// Draws one synthetic image; every choice is drawn from its generator.
struct SyntheticPainter {
    /// Width and height of the images in pixels.
    static let side = 32

    private var random: SeededGenerator
    private var canvas: [Colour]

    private struct Colour {
        var red: Double, green: Double, blue: Double

        func mixed(with other: Colour, _ share: Double) -> Colour {
            Colour(
                red: red + (other.red - red) * share, green: green + (other.green - green) * share,
                blue: blue + (other.blue - blue) * share)
        }

        /// Brightness, 0...1.
        var luma: Double { 0.3 * red + 0.6 * green + 0.1 * blue }
    }

    init(_ random: SeededGenerator) {
        self.random = random
        canvas = []
    }

    /// Draws a shape over and under clutter; its luma is above the background's, whatever the hues.
    mutating func draw(_ shape: SyntheticShape) -> PixelBuffer {
        let near = colour(lumaBelow: 0.6)
        let far = colour(lumaBelow: 0.6)
        paintGradient(from: near, to: far)
        for _ in 0..<3 { paintStroke(colour(), strength: 0.7) }
        for _ in 0..<3 { paintBlob(colour(), strength: 0.7) }
        let ground = max(near.luma, far.luma)
        var ink = colour()
        while ink.luma < ground + 0.15 { ink = colour() }
        paint(shape, ink)
        paintStroke(colour(), strength: 0.8)
        return noisyPixels(amplitude: 0.16)
    }

    private mutating func colour() -> Colour {
        Colour(red: random.uniform(), green: random.uniform(), blue: random.uniform())
    }

    private mutating func colour(lumaBelow limit: Double) -> Colour {
        var result = colour()
        while result.luma >= limit { result = colour() }
        return result
    }

    /// A random direction: a point of the unit disc by rejection, scaled to length 1.
    private mutating func direction() -> (x: Double, y: Double) {
        while true {
            let (x, y) = (random.uniform(-1, 1), random.uniform(-1, 1))
            let radius = length(x, y)
            if radius > 0.1 && radius <= 1 { return (x / radius, y / radius) }
        }
    }

    /// A direction near that of the x axis: its slope is uniform in plus or minus `limit`.
    private mutating func tilt(upTo limit: Double) -> (x: Double, y: Double) {
        let slope = random.uniform(-limit, limit)
        let radius = length(1, slope)
        return (1 / radius, slope / radius)
    }

    private mutating func paintGradient(from near: Colour, to far: Colour) {
        let (dx, dy) = direction()
        let side = Double(Self.side)
        canvas.reserveCapacity(Self.side * Self.side)
        for row in 0..<Self.side {
            for column in 0..<Self.side {
                let along = (Double(column) - side / 2) * dx + (Double(row) - side / 2) * dy
                let share = min(max(0.5 + along / side, 0), 1)
                canvas.append(near.mixed(with: far, share))
            }
        }
    }

    private mutating func paint(_ shape: SyntheticShape, _ ink: Colour) {
        let radius = random.uniform(7.5, 12.5)
        let margin = radius * 0.95
        let x = random.uniform(margin, Double(Self.side) - margin)
        let y = random.uniform(margin, Double(Self.side) - margin)
        let (cosine, sine) = tilt(upTo: 0.45)
        cover(x, y, reach: radius * 1.5, ink, strength: 1) { dx, dy in
            radius
                * shape.distance(
                    (dx * cosine + dy * sine) / radius, (dy * cosine - dx * sine) / radius)
        }
    }

    private mutating func paintStroke(_ ink: Colour, strength: Double) {
        let x = random.uniform(0, Double(Self.side))
        let y = random.uniform(0, Double(Self.side))
        let half = random.uniform(3, 10)
        let (cosine, sine) = direction()
        cover(x, y, reach: half + 2, ink, strength: strength) { dx, dy in
            let along = abs(dx * cosine + dy * sine)
            let across = abs(dy * cosine - dx * sine)
            return max(along - half, across - 0.7)
        }
    }

    private mutating func paintBlob(_ ink: Colour, strength: Double) {
        let x = random.uniform(0, Double(Self.side))
        let y = random.uniform(0, Double(Self.side))
        let radius = random.uniform(1, 2.5)
        cover(x, y, reach: radius + 2, ink, strength: strength) { dx, dy in
            length(dx, dy) - radius
        }
    }

    /// Blends a colour over the pixels around (x, y) by how much of each the shape covers:
    /// the distance of its centre from the edge, in pixels, gives the share to within a few percent.
    private mutating func cover(
        _ x: Double, _ y: Double, reach: Double, _ ink: Colour, strength: Double,
        distance: (Double, Double) -> Double
    ) {
        let last = Self.side - 1
        let rows = max(0, Int(y - reach))...min(last, Int(y + reach))
        let columns = max(0, Int(x - reach))...min(last, Int(x + reach))
        for row in rows {
            for column in columns {
                let edge = distance(Double(column) + 0.5 - x, Double(row) + 0.5 - y)
                let share = min(max(0.5 - edge, 0), 1) * strength
                guard share > 0 else { continue }
                let index = row * Self.side + column
                canvas[index] = canvas[index].mixed(with: ink, share)
            }
        }
    }

    /// The canvas in bytes with independent noise of a triangular distribution on every sample.
    private mutating func noisyPixels(amplitude: Double) -> PixelBuffer {
        let scale = amplitude / Double(UInt16.max)
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * canvas.count)
        for colour in canvas {
            // 96 of 128 random bits: the difference of two 16-bit numbers for each channel.
            let (low, high) = (random.next(), random.next())
            for (value, bits) in [
                (colour.red, low), (colour.green, low >> 32), (colour.blue, high),
            ] {
                let noise = Double(Int(bits & 0xFFFF) - Int((bits >> 16) & 0xFFFF)) * scale
                pixels.append(UInt8((min(max(value + noise, 0), 1) * 255).rounded()))
            }
        }
        return PixelBuffer(width: Self.side, height: Self.side, channels: 3, pixels: pixels)
    }
}
