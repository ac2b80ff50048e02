/// What a recipe configures: a value with sections of keys.
///
/// A recipe is a YAML text, in which `section:` stands above lines of `key: value`. Whoever conforms states
/// the keys; `read`, `apply` and `recipe` follow.
public protocol Configurable: Sendable {
    /// Every key that the value has now, `section.name` each, in the order of a recipe. The list depends on
    /// nothing but what decisive keys set.
    var keys: [Key<Self>] { get }

    /// The keys that the value would have if its decisive keys were set otherwise; default: none. Setting
    /// one changes nothing, and tells whether the value would fit.
    var absentKeys: [AbsentKey<Self>] { get }

    /// Where the value keeps what differs in its stages; default: nil, it has none.
    static var stageStorage: (any WritableKeyPath<Self, [RecipeStage]> & Sendable)? { get }
}

extension Configurable {
    /// None.
    public var absentKeys: [AbsentKey<Self>] { [] }

    /// Nil.
    public static var stageStorage: (any WritableKeyPath<Self, [RecipeStage]> & Sendable)? { nil }

    /// The path of the key of some part: messages name keys by it, so that none can name one that does not
    /// exist.
    ///
    /// - Precondition: the part has a key.
    public func path(of storage: PartialKeyPath<Self>) -> String {
        guard let key = keys.first(where: { $0.storage == storage }) else {
            preconditionFailure("no key for \(storage)")
        }
        return key.path
    }
}

/// A key that a value does not have, but others of its type.
public struct AbsentKey<Root>: Sendable {
    /// The key.
    public let key: Key<Root>
    /// Whose it is: the value of the decisive key with which there is such a key.
    public let owner: String

    /// Creates one.
    public init(_ key: Key<Root>, owner: String) {
        self.key = key
        self.owner = owner
    }
}

/// A recipe that cannot be read; the message says where, what was expected, what was found.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One line for a person.
    public let message: String

    /// Creates an error.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
