package import BONNModelFormat

/// What lists of class names must be, and how messages show names.
package enum ClassNames {
    /// Insists that no two names are the same to a reader.
    ///
    /// Names are their bytes; "é" can be written as one code point or as two. Two names that differ in
    /// that alone are nearly always one class that two systems have spelled, so they are an error.
    ///
    /// - Precondition: no name is longer than `FormatLimits.nameBytes`.
    static func check(_ names: [Name], place: String) throws(DataError) {
        // The texts as keys: String compares by canonical equivalence.
        var seen: [String: Name] = [:]
        for name in names {
            guard let other = seen.updateValue(name, forKey: name.text) else { continue }
            guard other != name else {
                throw DataError(
                    .badClasses, "\(printable(place)): names the class \(quoted(name)) twice")
            }
            throw DataError(
                .badClasses, "\(printable(place)): \(lookalikes(other, name)); make them one class")
        }
    }

    /// What is wrong with two names that differ in their Unicode form alone.
    static func lookalikes(_ first: Name, _ second: Name) -> String {
        "the classes \(spelled(first)) and \(spelled(second)) look alike and differ in their Unicode "
            + "form alone"
    }

    /// A name for a message.
    static func quoted(_ name: Name) -> String { "'\(printable(name.text, limit: 60))'" }

    /// A few names for a message.
    static func listed(_ names: [Name]) -> String {
        DatasetSource.listed(names.lazy.map { printable($0.text, limit: 60) })
    }

    private static func spelled(_ name: Name) -> String {
        let bytes = name.text.utf8.prefix(40).map { hexadecimal($0) }.joined(separator: " ")
        return "\(quoted(name)) (bytes \(bytes)\(name.text.utf8.count > 40 ? " ..." : ""))"
    }

    // MARK: Lists in files

    /// The names of a list, one a line.
    ///
    /// - Throws: `.badClasses` for what is no list of different names.
    static func read(_ path: String, what: String) throws(DataError) -> [Name] {
        let bytes = try Files.bytes(path, what: what, atMost: largestList)
        guard let names = parse(bytes) else {
            throw DataError(
                .badClasses, "\(printable(path)): is not UTF-8 text, expected \(what)")
        }
        if let long = names.first(where: { $0.text.utf8.count > FormatLimits.nameBytes }) {
            throw DataError(
                .badClasses,
                "\(printable(path)): the class \(quoted(long)) has a name of "
                    + "\(grouped(long.text.utf8.count)) bytes, expected at most "
                    + "\(FormatLimits.nameBytes)")
        }
        return names
    }

    /// The names of a list of so many different names.
    ///
    /// - Throws: `.badClasses` for another number, for an empty name, and for two that are the same to a
    ///   reader.
    package static func read(
        _ path: String, what: String, count: ClosedRange<Int>
    ) throws(DataError) -> [Name] {
        let names = try read(path, what: what)
        let different = Set(names)
        guard count.contains(names.count), different.count == names.count, !names.contains("")
        else {
            let expected =
                count.count == 1
                ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
            throw DataError(
                .badClasses,
                "\(path): expected \(expected) different class names, one a line, found "
                    + "\(different.subtracting([""]).count) in \(names.count) lines")
        }
        try check(names, place: path)
        return names
    }

    /// The lines of a text without blanks around them, whatever ends them; a byte order mark at the
    /// beginning and empty lines at the end are no names. Nil for what is not UTF-8.
    static func parse(_ bytes: [UInt8]) -> [Name]? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        // Bytes, and no characters: a carriage return and a line feed are one of those, and what
        // begins with a combining mark is a part of the one before.
        var rest = text.utf8[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var lines: [Substring.UTF8View] = []
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) {
            lines.append(rest[..<end])
            let isPair = rest[end] == 0x0D && rest[end...].dropFirst().first == 0x0A
            rest = rest[end...].dropFirst(isPair ? 2 : 1)
        }
        lines.append(rest)
        var names = lines.map { Name(String(trimmed($0)) ?? "") }
        while names.last?.text.isEmpty == true { names.removeLast() }
        return names
    }

    /// A list that `parse` reads; nil where that would give other names.
    static func list(_ names: [Name]) -> [UInt8]? {
        let bytes = Array((names.map(\.text).joined(separator: "\n") + "\n").utf8)
        return parse(bytes) == names ? bytes : nil
    }

    /// Far more than any list has.
    private static let largestList = 1 << 20

    private static func trimmed(_ line: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = line.firstIndex(where: { !isBlank($0) }),
            let last = line.lastIndex(where: { !isBlank($0) })
        else { return line.prefix(0) }
        return line[first...last]
    }
}
