/// One key of something that can be configured: where its value is stored, what it accepts, what it means.
///
/// Keys stand in a list of the type that they configure. Reading, writing, overriding, checking and
/// documenting a recipe all follow from such lists; a part takes its keys along to the whole (`at`).
public struct Key<Root>: Sendable {
    /// Where a value is stored.
    public typealias Storage<Value> = any WritableKeyPath<Root, Value> & Sendable

    /// `name`, and `section.name` as in a recipe and after `--set` once it is the key of a whole.
    public private(set) var path: String
    /// One line of documentation.
    public let summary: String
    /// What a value must be, for documentation and errors.
    public let expected: String
    /// The values of a choice; empty for every other type.
    public let choices: [String]
    /// Whether the key keeps its value when a run is resumed. The others say where and how fast a
    /// run is computed, and not what, or how long it goes on.
    public private(set) var isFixedForRun = true
    /// Whether other keys, or what they are before anybody sets them, follow from this one: who sets several
    /// sets it first.
    public private(set) var isDecisive = false
    /// The whole path under which older recipes have the key; nil: there is none.
    public private(set) var formerPath: String?
    /// Whether a stage of a recipe may set the key to another value than the whole has.
    public private(set) var variesByStage = false

    private let storagePath: @Sendable () -> PartialKeyPath<Root>?
    private let reading: @Sendable (Root) -> ConfigurationValue
    private var writing: @Sendable (inout Root, ConfigurationValue) -> Bool

    /// A key of any type.
    ///
    /// - Parameters:
    ///   - path: its name.
    ///   - storage: what it sets.
    ///   - summary: one line about what it means.
    ///   - expected: what a value must be, as a message says it.
    ///   - choices: the values of a choice.
    ///   - write: a value as it stands in a recipe.
    ///   - read: the value that a recipe's stands for; nil: it does not fit.
    public init<Value>(
        _ path: String, _ storage: Storage<Value>, _ summary: String, expected: String,
        choices: [String] = [], write: @escaping @Sendable (Value) -> ConfigurationValue,
        read: @escaping @Sendable (ConfigurationValue) -> Value?
    ) {
        self.path = path
        self.summary = summary
        self.expected = expected
        self.choices = choices
        storagePath = { storage }
        reading = { write($0[keyPath: storage]) }
        writing = { root, value in
            guard let value = read(value) else { return false }
            root[keyPath: storage] = value
            return true
        }
    }

    /// A part's key as that of a whole.
    private init<Part>(
        _ key: Key<Part>, storage: @escaping @Sendable () -> PartialKeyPath<Root>?,
        reading: @escaping @Sendable (Root) -> ConfigurationValue,
        writing: @escaping @Sendable (inout Root, ConfigurationValue) -> Bool
    ) {
        path = key.path
        summary = key.summary
        expected = key.expected
        choices = key.choices
        isFixedForRun = key.isFixedForRun
        isDecisive = key.isDecisive
        formerPath = key.formerPath
        variesByStage = key.variesByStage
        storagePath = storage
        self.reading = reading
        self.writing = writing
    }

    /// The storage that the key sets; nil where that is no stored part of the root.
    var storage: PartialKeyPath<Root>? { storagePath() }

    /// The value.
    public func value(in root: Root) -> ConfigurationValue { reading(root) }

    /// The value as it would be written in YAML.
    public func text(in root: Root) -> String { value(in: root).description }

    /// Sets the value.
    ///
    /// - Returns: False when it does not fit; nothing is then changed.
    public func set(_ value: ConfigurationValue, in root: inout Root) -> Bool {
        writing(&root, value)
    }

    /// Whether what is stored is a value that the key accepts: values that no recipe set may be others.
    public func holds(in root: Root) -> Bool {
        var copy = root
        return set(value(in: root), in: &copy)
    }
}

extension Key {
    /// The same key, marked as one that may change when a run is resumed.
    public func changeable() -> Key {
        var key = self
        key.isFixedForRun = false
        return key
    }

    /// The same key, marked as one that a stage of a recipe may set.
    public func varyingByStage() -> Key {
        var key = self
        key.variesByStage = true
        return key
    }

    /// The same key, which older recipes have under another path.
    ///
    /// - Parameter path: the whole of it, with its section.
    public func formerly(_ path: String) -> Key {
        var key = self
        key.formerPath = path
        return key
    }

    /// The same key, marked as one that others follow from.
    ///
    /// - Parameter follow: changes what follows, once the key is set.
    public func decisive(
        _ follow: @escaping @Sendable (_ root: inout Root, _ before: Root) -> Void = { _, _ in }
    ) -> Key {
        var key = self
        let writing = writing
        key.isDecisive = true
        key.writing = { root, value in
            let before = root
            guard writing(&root, value) else { return false }
            follow(&root, before)
            return true
        }
        return key
    }

    /// The same key as one of a whole that the root is a section of.
    ///
    /// - Parameters:
    ///   - section: what stands in front of its path, with a dot.
    ///   - part: where in the whole the root is stored.
    public func at<Outer>(
        _ section: String, _ part: any WritableKeyPath<Outer, Root> & Sendable
    ) -> Key<Outer> {
        var key = at(part)
        key.path = "\(section).\(path)"
        return key
    }

    /// The same key as one of a whole that the root is a part of, under the same path.
    public func at<Outer>(_ part: any WritableKeyPath<Outer, Root> & Sendable) -> Key<Outer> {
        Key<Outer>(
            self,
            storage: {
                self.storage.flatMap { (part as PartialKeyPath<Outer>).appending(path: $0) }
            },
            reading: { value(in: $0[keyPath: part]) },
            writing: { set($1, in: &$0[keyPath: part]) })
    }

    /// The same key as one of a whole from which the root is taken, and into which it is put back.
    public func at<Outer>(
        get: @escaping @Sendable (Outer) -> Root,
        set put: @escaping @Sendable (inout Outer, Root) -> Void
    ) -> Key<Outer> {
        Key<Outer>(
            self, storage: { nil }, reading: { value(in: get($0)) },
            writing: { outer, value in
                var root = get(outer)
                guard set(value, in: &root) else { return false }
                put(&outer, root)
                return true
            })
    }
}

extension Array {
    /// The keys of a section as those of the whole; see `Key.at`.
    public func at<Root, Outer>(
        _ section: String, _ part: any WritableKeyPath<Outer, Root> & Sendable
    ) -> [Key<Outer>] where Element == Key<Root> { map { $0.at(section, part) } }

    /// The keys of a part as those of the whole; see `Key.at`.
    public func at<Root, Outer>(
        _ part: any WritableKeyPath<Outer, Root> & Sendable
    ) -> [Key<Outer>] where Element == Key<Root> { map { $0.at(part) } }
}
