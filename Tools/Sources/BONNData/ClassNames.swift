import BONNModelFormat

/// Checks of lists of class names.
enum ClassNames {
    /// Insists that no two names are the same to a reader.
    ///
    /// Names are their bytes; "é" can be written as one code point or as two. Two names that differ in that
    /// alone are nearly always one class that two systems have spelled, so they are an error.
    static func check(_ names: [String], place: String) throws(DataError) {
        // String compares characters, so both spellings are one key.
        var seen: [String: Name] = [:]
        for name in names {
            guard let other = seen.updateValue(Name(name), forKey: name), other != Name(name) else {
                continue
            }
            throw DataError(
                .badClasses,
                "\(printable(place)): the classes \(spelled(other)) and \(spelled(Name(name))) look alike "
                    + "and differ in their Unicode form alone; give both one spelling, or different names"
            )
        }
    }

    /// A name with its bytes, where the letters alone do not tell it from another.
    private static func spelled(_ name: Name) -> String {
        let bytes = name.text.utf8.prefix(40).map { hexadecimal($0) }.joined(separator: " ")
        return "'\(printable(name.text, limit: 60))' (bytes \(bytes)"
            + "\(name.text.utf8.count > 40 ? " ..." : ""))"
    }
}
