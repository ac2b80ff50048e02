import BONNInterop
import BONNModelFormat
import BONNRuntime
import BONNTestSupport
import Foundation
import Testing

/// Exported networks and a program in C that runs them on images and compares every bit of their logits
/// with what the runtime gave.
struct CHarness {
    private var sources: [String] = ["main.c"]
    private var checks: [String] = []
    private var text = ""
    private let folder: URL

    /// Begins in an empty folder.
    init(in folder: URL) { self.folder = folder }

    /// Exports a network and records what the runtime makes of some images; pixels too where the network
    /// normalizes them.
    mutating func add(_ model: ModelFile, _ name: String, seed: UInt64, images: Int = 2) throws {
        let export = try CExport(model, name: try CName(name))
        for file in export.files {
            try Data(file.bytes).write(to: folder.appending(path: file.name))
        }
        sources.append("\(name).c")
        text += "#include \"\(name).h\"\n"
        let loaded = try Model(model, limits: .unlimited)
        var session = try InferenceSession(loaded)
        var generator = SeededGenerator(seed: seed)
        let isInteger = try model.isInteger
        for number in 0..<images {
            let image = RandomModels.image(for: model, &generator)
            let logits = try session.run(image)
            addCase(
                "\(name)_run", "\(name)_\(number)", model, interleaved(image, loaded.inputShape),
                isByte: loaded.inputElement == .byte, logits: logits, isInteger: isInteger)
        }
        guard loaded.inputElement == .real, model.metadata.preprocessing != nil else { return }
        let pixels = (0..<loaded.inputShape.count).map { _ in UInt8(generator.integer(0...255)) }
        addCase(
            "\(name)_run_pixels", "\(name)_pixels", model, pixels.map(Float.init), isByte: true,
            logits: try session.run(pixels: pixels), isInteger: isInteger)
    }

    private func interleaved(_ image: [Float], _ shape: Shape) -> [Float] {
        let pixels = shape.height * shape.width
        return image.indices.map { image[$0 % shape.channels * pixels + $0 / shape.channels] }
    }

    private mutating func addCase(
        _ function: String, _ name: String, _ model: ModelFile, _ image: [Float], isByte: Bool,
        logits: [Float], isInteger: Bool
    ) {
        let macro = function.prefix { $0 != "_" }.uppercased()
        let numbers = image.map { isByte ? "\(Int($0))" : "\($0.bitPattern)u" }
        let expected = logits.map {
            isInteger ? "\(UInt32(bitPattern: Int32($0)))u" : "\($0.bitPattern)u"
        }
        text += """
            static int check_\(name)(void) {
                static const \(isByte ? "uint8_t" : "uint32_t") numbers[] = {\(numbers.joined(separator: ", "))};
                static const uint32_t expected[] = {\(expected.joined(separator: ", "))};
                static uint32_t arena[\(macro)_ARENA_WORDS + 1];
                static \(isByte ? "uint8_t" : "float") image[sizeof numbers / sizeof *numbers];
                static \(isInteger ? "int32_t" : "float") logits[\(macro)_CLASSES];
                uint32_t bits[\(macro)_CLASSES];
                memset(arena, 0xA5, sizeof arena);
                memcpy(image, numbers, sizeof image);
                \(function)(arena, image, logits);
                memcpy(bits, logits, sizeof bits);
                return compare("\(name)", bits, expected, \(macro)_CLASSES, \(isInteger ? 1 : 0), arena[\(macro)_ARENA_WORDS]);
            }

            """
        checks.append("check_\(name)")
    }

    /// Writes the program.
    func finish() throws {
        let calls = checks.map { "    failed += \($0)();\n" }.joined()
        let main = """
            #include <stdint.h>
            #include <stdio.h>
            #include <string.h>

            static int compare(const char *name, const uint32_t *found, const uint32_t *expected, int count,
                               int integer, uint32_t guard) {
                int i, wrong = guard != 0xA5A5A5A5u;
                for (i = 0; i < count; i++) {
                    const int nan = !integer && (found[i] << 1) > 0xFF000000u && (expected[i] << 1) > 0xFF000000u;
                    wrong |= found[i] != expected[i] && !nan;
                }
                if (wrong) {
                    printf("%s: other bits\\n", name);
                }
                return wrong;
            }

            \(text)
            int main(void) {
                int failed = 0;
            \(calls)    printf("%d of \(checks.count) failed\\n", failed);
                return failed != 0;
            }

            """
        try Data(main.utf8).write(to: folder.appending(path: "main.c"))
    }

    /// How often the networks are run.
    var count: Int { checks.count }

    /// Compiles the program and runs it, in an emulator where one is named.
    func run(_ compiler: [String], emulator: [String] = []) throws -> String {
        let flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "program"] + sources
        let built = try runCommand(compiler + flags, in: folder).output
        guard built.isEmpty else { return "\(compiler): \(built.prefix(2_000))" }
        return try runCommand(
            emulator + [folder.appending(path: "program").path], in: folder
        ).output
    }

    /// What is printed when every logit has the bits of the runtime.
    var success: String { "0 of \(checks.count) failed\n" }

    /// Whether a program is on the path.
    static func isInstalled(_ program: String) -> Bool {
        (try? runCommand(["sh", "-c", "command -v \(program)"]))?.output.isEmpty == false
    }
}

extension ModelFile {
    /// Whether the logits are integers.
    fileprivate var isInteger: Bool {
        get throws { try validate()[metadata.graph.output]?.element == .integer }
    }
}
