/// Lines, areas and text as an SVG file.
struct SVGDocument {
    private let width: Double
    private let height: Double
    private var elements: [String] = []

    /// An empty picture on white.
    init(width: Double, height: Double) {
        self.width = width
        self.height = height
        rectangle(x: 0, y: 0, width: width, height: height, fill: "#ffffff")
    }

    /// The text of the file.
    var text: String {
        let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
        let box = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <svg xmlns="http://www.w3.org/2000/svg" \(size) \(box) font-family="sans-serif">
            \(elements.joined(separator: "\n"))
            </svg>

            """
    }

    /// How a line looks.
    struct Stroke {
        var color: String
        var width = 1.0
        /// Lengths of dashes and gaps; empty: without gaps.
        var dash: [Double] = []
        var opacity = 1.0

        fileprivate var attributes: [(String, String)] {
            var result = [("stroke", color), ("stroke-width", SVGDocument.number(width))]
            if !dash.isEmpty {
                result.append(
                    ("stroke-dasharray", dash.map(SVGDocument.number).joined(separator: " ")))
            }
            if opacity < 1 { result.append(("stroke-opacity", SVGDocument.number(opacity))) }
            return result
        }
    }

    /// Where a text begins or ends.
    enum Anchor: String {
        case start, middle, end
    }

    mutating func rectangle(x: Double, y: Double, width: Double, height: Double, fill: String) {
        add(
            "rect",
            [
                ("x", Self.number(x)), ("y", Self.number(y)), ("width", Self.number(width)),
                ("height", Self.number(height)), ("fill", fill),
            ])
    }

    mutating func line(_ points: [(x: Double, y: Double)], _ stroke: Stroke) {
        add(
            "polyline",
            [("points", Self.list(points)), ("fill", "none"), ("stroke-linejoin", "round")]
                + stroke.attributes)
    }

    mutating func area(_ points: [(x: Double, y: Double)], fill: String, opacity: Double) {
        add(
            "polygon",
            [
                ("points", Self.list(points)), ("fill", fill),
                ("fill-opacity", Self.number(opacity)),
            ])
    }

    mutating func dot(x: Double, y: Double, radius: Double, fill: String) {
        add(
            "circle",
            [
                ("cx", Self.number(x)), ("cy", Self.number(y)), ("r", Self.number(radius)),
                ("fill", fill),
            ])
    }

    mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, anchor: Anchor = .start,
        color: String = "#222222", turned: Bool = false
    ) {
        var attributes = [
            ("x", Self.number(x)), ("y", Self.number(y)), ("font-size", Self.number(size)),
            ("text-anchor", anchor.rawValue), ("fill", color),
        ]
        if turned {
            attributes.append(("transform", "rotate(-90 \(Self.number(x)) \(Self.number(y)))"))
        }
        elements.append(
            "<text \(Self.written(attributes))>\(Self.escaped(text))</text>")
    }

    private mutating func add(_ name: String, _ attributes: [(String, String)]) {
        elements.append("<\(name) \(Self.written(attributes))/>")
    }

    private static func written(_ attributes: [(String, String)]) -> String {
        attributes.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: " ")
    }

    private static func list(_ points: [(x: Double, y: Double)]) -> String {
        points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    }

    /// With two decimals; SVG has no infinity and no NaN.
    private static func number(_ value: Double) -> String {
        decimals(value.isFinite ? value : 0, value == value.rounded() ? 0 : 2)
    }

    /// Text in which XML finds nothing of its own; characters that XML does not have become `?`.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n", "\r": result += " "
            case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
