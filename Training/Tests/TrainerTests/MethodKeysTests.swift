import BONNConfiguration
import BONNMethods
import BONNNetworks
import Foundation
import Testing

@testable import BONNTrainer

/// The section `method:` of recipes.
@Suite struct MethodKeysTests {
    private static func read(_ yaml: String) throws -> MethodConfiguration {
        try Recipe.read(yaml: yaml, source: "r.yaml").model.method
    }

    private static func apply(_ assignments: String...) throws -> MethodConfiguration {
        var configuration = TrainingConfiguration()
        try Recipe.apply(
            assignments.map { text in
                let parts = text.split(separator: "=").map(String.init)
                return (parts[0], parts[1], "--set \(text)")
            }, to: &configuration)
        return configuration.model.method
    }

    @Test func `a recipe without a method has the first of the list, as its paper has it`() throws {
        #expect(try Self.read("") == MethodConfiguration(BONN()))
        #expect(Methods.names[0] == BONN.card.name)
    }

    @Test func `a method's name brings its defaults, and its keys set the rest`() throws {
        #expect(try Self.read("method:\n  name: xnor\n") == MethodConfiguration(XNORNet()))
        let scaled = try Self.read(
            "method:\n  source: code\n  scaled_activations: yes\n  name: xnor\n  weights: real\n")
        #expect(
            scaled
                == MethodConfiguration(
                    XNORNet(source: .code, scaledActivations: true), weights: .real))
        let bonn = try Self.read(
            "method: {reading: C, slope: clip, dropout: 0.5, latent_std: 1e-3, shortcut: classic}\n"
        )
        #expect(
            bonn
                == MethodConfiguration(
                    BONN(
                        block: BONNBlock(shortcut: .classic, dropout: 0.5), reading: .reconstruct,
                        slope: .clip, latentStd: 1e-3)))
        let abc = try Self.apply(
            "method.kernel_terms=5", "method.activation_planes=5", "method.name=abc")
        #expect(abc == MethodConfiguration(ABCNet(kernelTerms: 5, activationPlanes: 5)))
    }

    @Test func `methods that leave the slope of signs to a recipe take it from there`() throws {
        func method(_ name: String) throws -> MethodConfiguration {
            try Self.apply(
                "method.name=\(name)", "method.slope=clip", "method.slope_window=1.5",
                "method.slope_final_window=0.5")
        }
        let slope = SignSlope(.clip, window: 1.5, finalWindow: 0.5)
        var (real, react, modern) = (BiRealNet(), ReActNet(), ModernBONN())
        (real.slope, react.slope, modern.base.slope) = (slope, slope, slope)
        #expect(try method("bonn") == MethodConfiguration(BONN(slope: slope)))
        #expect(try method("bireal") == MethodConfiguration(real))
        #expect(try method("react") == MethodConfiguration(react))
        #expect(try method("modernbonn") == MethodConfiguration(modern))
    }

    @Test func `a method that is named again keeps its settings, another one has its own`() throws {
        var configuration = TrainingConfiguration()
        configuration.model.method.value = BONN(reading: .divide)
        try Recipe.apply([("method.name", "bonn", "--method bonn")], to: &configuration)
        #expect(configuration.model.method.value as? BONN == BONN(reading: .divide))
        try Recipe.apply([("method.name", "real", "--method real")], to: &configuration)
        try Recipe.apply([("method.name", "bonn", "--method bonn")], to: &configuration)
        #expect(configuration.model.method.value as? BONN == BONN())
    }

    @Test func `methods are equal when they are the same with the same settings`() {
        let bonn = MethodConfiguration(BONN())
        #expect(bonn == MethodConfiguration(BONN()))
        #expect(bonn != MethodConfiguration(BONN(initialScale: 1)))
        #expect(bonn != MethodConfiguration(BONN(), weights: .real))
        #expect(MethodConfiguration(BiRealNet()) != MethodConfiguration(ReActNet()))
    }

    @Test(arguments: Methods.names)
    func `a method's defaults are within what its keys accept, and read back as they are written`(
        name: String
    ) throws {
        var configuration = TrainingConfiguration()
        configuration.model.method.name = name
        for key in configuration.model.method.keys {
            #expect(key.holds(in: configuration.model.method), "\(key.path)")
        }
        let text = Recipe.yaml(configuration)
        let (read, notes) = try Self.noted(text)
        #expect(read == configuration && notes.isEmpty)
        // Every setting changed, as far as one other value goes.
        for key in configuration.model.method.keys where key.path != "name" {
            let other =
                key.choices.isEmpty ? ["true", "false", "3", "2", "0.5", "0.25"] : key.choices
            let changed = other.contains { value in
                let before = key.text(in: configuration.model.method)
                return value != before
                    && key.set(.scalar(value), in: &configuration.model.method)
            }
            #expect(changed, "\(key.path)")
        }
        let changed = try Self.noted(Recipe.yaml(configuration)).configuration
        #expect(changed == configuration && Recipe.yaml(changed) != text)
    }

    private static func noted(
        _ yaml: String
    ) throws -> (configuration: TrainingConfiguration, notes: [String]) {
        var configuration = TrainingConfiguration()
        let notes = try configuration.read(recipe: yaml, source: "r.yaml")
        return (configuration, notes)
    }

    @Test func `no two methods disagree about what an old key is called`() {
        var names: [String: String] = [:]
        for method in Methods.all {
            for key in MethodConfiguration.keys(of: method) {
                guard let former = key.formerPath else { continue }
                #expect(names[former] == nil || names[former] == key.path, "\(former)")
                names[former] = key.path
            }
        }
        #expect(names.count == 11, "\(names.keys.sorted())")
    }
}
