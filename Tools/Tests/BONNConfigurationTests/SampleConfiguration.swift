import BONNConfiguration

/// Something to configure, with keys of every kind: what tests and the fuzzer read recipes for.
struct SampleConfiguration: Configurable, Equatable {
    struct Data: Equatable {
        var path = ""
        var batchSize = 128
        var dropLast = false
        var share: Double?

        static let keys: [Key<Data>] = [
            .text("path", \.path, "a folder").changeable(),
            .integer("batch_size", \.batchSize, in: 1...1_000_000, "images per step"),
            .flag("drop_last", \.dropLast, "leave out a last batch that is not full"),
            .optionalNumber("share", \.share, in: 0.001...0.999, "held out; null: none"),
        ]
    }

    struct Model: Equatable {
        enum Stem: String, CaseIterable, Sendable { case smallImages, large }

        var name = "narrow"
        var widths = [1, 2]
        var stem = Stem.smallImages
        var mean: [Double] = []
        var imageSize: ImageSize = 0

        static let keys: [Key<Model>] = [
            .name("name", \.name, of: ["narrow", "wide"], "sets the widths")
                .decisive { model, before in
                    if model.name != before.name {
                        model.widths = model.name == "wide" ? [10, 20] : [1, 2]
                    }
                },
            .integers("widths", \.widths, in: 1...65_536, "channels"),
            .choice("stem", \.stem, "the first layers").formerly("model.first_layers"),
            .numbers("mean", \.mean, in: 0...1, "of each channel"),
            .size("image_size", \.imageSize, "of the input"),
        ]
    }

    /// A part of two others.
    struct Border: Equatable {
        var width = 0.5

        static let keys: [Key<Border>] = [
            .number("border", \.width, in: 0...10, "how thick").formerly("model.border")
        ]
    }

    struct Circle: Equatable {
        var border = Border()
        var radius = 1.0

        static let keys: [Key<Circle>] =
            Border.keys.at(\.border) + [
                .number("radius", \.radius, in: 0...(.greatestFiniteMagnitude), "of the circle")
                    .formerly("old.radius")
            ]
    }

    struct Polygon: Equatable {
        var border = Border()
        var corners = 3

        static let keys: [Key<Polygon>] =
            Border.keys.at(\.border) + [
                .integer("corners", \.corners, in: 3...(.max), "of the polygon")
                    .formerly("model.corners")
            ]
    }

    /// One of two shapes, whose keys are those of the section.
    enum Shape: Equatable {
        case circle(Circle)
        case polygon(Polygon)

        var name: String {
            get {
                switch self {
                case .circle: "circle"
                case .polygon: "polygon"
                }
            }
            set {
                guard newValue != name else { return }
                self = newValue == "circle" ? .circle(Circle()) : .polygon(Polygon())
            }
        }

        static let names = ["circle", "polygon"]

        static let name = Key<Shape>.name("name", \.name, of: names, "which shape")
            .formerly("model.shape").decisive()

        static func keys(of name: String) -> [Key<Shape>] {
            name == "circle"
                ? Circle.keys.map {
                    $0.at(
                        get: { if case .circle(let circle) = $0 { circle } else { Circle() } },
                        set: { if case .circle = $0 { $0 = .circle($1) } })
                }
                : Polygon.keys.map {
                    $0.at(
                        get: { if case .polygon(let polygon) = $0 { polygon } else { Polygon() } },
                        set: { if case .polygon = $0 { $0 = .polygon($1) } })
                }
        }
    }

    var data = Data()
    var model = Model()
    var shape = Shape.circle(Circle())
    var run = Run()
    var stages: [RecipeStage] = []

    static var stageStorage: (any WritableKeyPath<SampleConfiguration, [RecipeStage]> & Sendable)? {
        \SampleConfiguration.stages
    }

    struct Run: Equatable {
        var output = ""

        static let keys: [Key<Run>] = [.text("output", \.output, "a folder").changeable()]
    }

    var keys: [Key<SampleConfiguration>] {
        Data.keys.at("data", \.data) + Model.keys.at("model", \.model)
            + ([Shape.name] + Shape.keys(of: shape.name)).at("shape", \.shape)
            .map { $0.varyingByStage() }
            + Run.keys.at("run", \.run)
    }

    var absentKeys: [AbsentKey<SampleConfiguration>] {
        let present = Set(keys.map(\.path))
        return Shape.names.flatMap { name in
            Shape.keys(of: name).at("shape", \.shape)
                .filter { !present.contains($0.path) }.map { AbsentKey($0, owner: name) }
        }
    }
}
