import BONNModelFormat

/// Names of a graph that are each used once.
struct UniqueNames {
    private var taken: Set<Name>

    /// Begins with names that are taken.
    init(_ taken: some Sequence<Name>) { self.taken = Set(taken) }

    /// A name that nothing has yet, with a number behind it where something has that one.
    mutating func unique(_ name: String) -> String {
        var candidate = name
        var number = 1
        while !taken.insert(Name(candidate)).inserted {
            number += 1
            candidate = "\(name).\(number)"
        }
        return candidate
    }
}
