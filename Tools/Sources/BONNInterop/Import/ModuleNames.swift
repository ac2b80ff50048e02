import BONNModelFormat

/// Which layer of a plan is which module of a checkpoint: rules, the first of which that fits a layer counts.
///
/// A rule is `LAYER = MODULE`. In the layer's name `<word>` stands for a number; in the module's it is that number,
/// or what is computed of it from left to right: `layer<stage+1>.<block/2>.conv<block%2+1>`.
struct ModuleNames: Sendable, Equatable {
    /// The rules, in order.
    let rules: [Rule]

    init(_ rules: [Rule]) { self.rules = rules }

    /// Rules from the source.
    init(_ texts: String...) {
        rules = texts.map {
            guard let rule = Rule($0) else { preconditionFailure("\($0) is no rule") }
            return rule
        }
    }

    /// The module of a layer; nil where it has none.
    func module(of layer: Name) -> String? {
        for rule in rules {
            if let module = rule.module(of: layer) { return module }
        }
        return nil
    }

    /// A rule.
    struct Rule: Sendable, Equatable {
        /// `LAYER = MODULE`.
        let text: String
        private let layer: [Piece]
        private let module: [Piece]

        /// Reads a rule; nil where it is none.
        init?(_ text: String) {
            let sides = text.split(separator: " = ", omittingEmptySubsequences: false)
            guard sides.count == 2, let layer = Self.pieces(sides[0]),
                let module = Self.pieces(sides[1]), !layer.isEmpty, !module.isEmpty
            else { return nil }
            let words = layer.compactMap {
                if case .number(let number) = $0 { number } else { nil }
            }
            guard words.allSatisfy(\.steps.isEmpty), Set(words.map(\.word)).count == words.count
            else { return nil }
            for case .number(let number) in module
            where !words.contains(where: { $0.word == number.word }) { return nil }
            self.text = text
            self.layer = layer
            self.module = module
        }

        /// The module; nil where the rule is of another layer, or a number of it cannot be computed.
        func module(of name: Name) -> String? {
            var rest = name.text.unicodeScalars[...]
            var numbers: [String: Int] = [:]
            for piece in layer {
                switch piece {
                case .text(let text):
                    guard rest.starts(with: text.unicodeScalars) else { return nil }
                    rest = rest.dropFirst(text.unicodeScalars.count)
                case .number(let number):
                    let digits = rest.prefix { ("0"..."9").contains($0) }
                    guard let value = Int(String(digits)) else { return nil }
                    numbers[number.word] = value
                    rest = rest.dropFirst(digits.count)
                }
            }
            guard rest.isEmpty else { return nil }
            var result = ""
            for piece in module {
                switch piece {
                case .text(let text): result += text
                case .number(let number):
                    guard let value = numbers[number.word].flatMap(number.value) else {
                        return nil
                    }
                    result += String(value)
                }
            }
            return result
        }

        private static func pieces(_ text: Substring) -> [Piece]? {
            var pieces: [Piece] = []
            var rest = text.unicodeScalars[...]
            while let open = rest.firstIndex(of: "<") {
                if open > rest.startIndex { pieces.append(.text(String(rest[..<open]))) }
                let inside = rest[rest.index(after: open)...]
                guard let close = inside.firstIndex(of: ">"),
                    let number = Number(String(inside[..<close]))
                else { return nil }
                pieces.append(.number(number))
                rest = inside[inside.index(after: close)...]
            }
            guard !rest.contains(">") else { return nil }
            if !rest.isEmpty { pieces.append(.text(String(rest))) }
            return pieces
        }
    }

    /// A part of a name.
    private enum Piece: Sendable, Equatable {
        case text(String)
        case number(Number)
    }

    /// A number of a name, `word`, and what is computed of it.
    private struct Number: Sendable, Equatable {
        struct Step: Sendable, Equatable {
            let operation: Unicode.Scalar
            let operand: Int
        }

        let word: String
        let steps: [Step]

        init?(_ text: String) {
            let scalars = Array(text.unicodeScalars)
            func isLetter(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }
            let word = scalars.prefix(while: isLetter)
            guard !word.isEmpty else { return nil }
            self.word = String(String.UnicodeScalarView(word))
            var rest = scalars[word.count...]
            var steps: [Step] = []
            while let operation = rest.first {
                let digits = rest.dropFirst().prefix { ("0"..."9").contains($0) }
                guard "+-/%".unicodeScalars.contains(operation),
                    let operand = Int(String(String.UnicodeScalarView(digits))),
                    operand > 0 || "+-".unicodeScalars.contains(operation)
                else { return nil }
                steps.append(Step(operation: operation, operand: operand))
                rest = rest.dropFirst(1 + digits.count)
            }
            self.steps = steps
        }

        /// What is computed of a number; nil where that is no number from 0 on.
        func value(_ number: Int) -> Int? {
            var value = number
            for step in steps {
                let overflow: Bool
                switch step.operation {
                case "+": (value, overflow) = value.addingReportingOverflow(step.operand)
                case "-": (value, overflow) = value.subtractingReportingOverflow(step.operand)
                case "/": (value, overflow) = (value / step.operand, false)
                default: (value, overflow) = (value % step.operand, false)
                }
                guard !overflow, value >= 0 else { return nil }
            }
            return value
        }
    }
}
