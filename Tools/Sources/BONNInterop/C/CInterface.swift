import BONNModelFormat

/// What an exported network shows to the program around it: its header, and the functions of its source.
struct CInterface {
    private let model: ModelFile
    private let name: CName
    private let digest: SHA256.Digest
    private let input: ValueType
    private let output: ValueType

    init(
        _ model: ModelFile, _ types: [Name: ValueType], name: CName, digest: SHA256.Digest
    ) throws(InteropError) {
        let graph = model.metadata.graph
        guard let input = types[graph.input.name], let output = types[graph.output] else {
            throw InteropError(.malformed, "the graph has no input or no output")
        }
        for (number, label) in model.metadata.classNames.enumerated()
        where label.text.utf8.count > CExport.mostClassNameBytes {
            throw InteropError(
                .limitExceeded,
                "class name \(number): expected at most \(CExport.mostClassNameBytes) bytes, found "
                    + "\(label.text.utf8.count): '\(printable(label.text, limit: 60))'; shorten it")
        }
        self.model = model
        self.name = name
        self.digest = digest
        self.input = input
        self.output = output
    }

    /// Whether 8-bit pixels become real numbers before the network runs.
    var normalizes: Bool { input.element == .real && model.metadata.preprocessing != nil }

    /// What the names of the classes take in flash, with pointers of 32 bits.
    var classNameBytes: Int {
        model.metadata.classNames.reduce(0) { $0 + $1.text.utf8.count + 1 + 4 }
    }

    /// The factors and the offsets of the pixels' channels; nil where pixels are not normalized.
    func pixelTables(
        _ tables: inout CTables
    ) throws(InteropError) -> (factors: String, offsets: String)? {
        guard normalizes, let rule = model.metadata.preprocessing else { return nil }
        let affine = rule.mean.indices.map { rule.affine(channel: $0) }
        return (
            try tables.floats(affine.map(\.factor), "factors"),
            try tables.floats(affine.map(\.offset), "offsets")
        )
    }

    private var inputType: String { input.element == .byte ? "uint8_t" : "float" }
    private var logitType: String { output.element == .integer ? "int32_t" : "float" }
    private var prefix: String { name.text }
    private var classCount: Int { output.shape.channels }

    /// The signatures, without semicolons.
    private var run: String {
        "void \(prefix)_run(uint32_t *arena, const \(inputType) *image, \(logitType) *logits)"
    }
    private var runPixels: String {
        "void \(prefix)_run_pixels(uint32_t *arena, const uint8_t *pixels, \(logitType) *logits)"
    }
    private var classify: String {
        "int \(prefix)_classify(uint32_t *arena, const \(normalizes ? "uint8_t" : inputType) *image, "
            + "\(logitType) *logits)"
    }
    private var classNames: String {
        "const char *const \(prefix)_class_names[\(name.macro)_CLASSES]"
    }

    // MARK: Header

    /// The header of the network.
    func header(tableBytes: Int, arenaBytes: Int, binaryMACs: Int, realMACs: Int) -> String {
        let macro = name.macro
        let shape = input.shape
        let hasNames = !model.metadata.classNames.isEmpty
        return """
            /* A 1-bit network. Written by bonn-run export --format c; write it anew rather than change it.
             *
             * sha256 of the network: \(digest)
            \(provenance) *
             * input    \(shape.height) x \(shape.width) x \(shape.channels) \(inputType), height x width x channels
            \(pixelRule) * logits   \(classCount) \(logitType)
             * flash    \(tableBytes) bytes of tables, and the code
             * RAM      \(arenaBytes) bytes of arena, and the image, the logits and a little stack
             * work     \(binaryMACs) binary and \(realMACs) real multiply-accumulates for an image
             */
            #ifndef BONN_NETWORK_\(macro)_H
            #define BONN_NETWORK_\(macro)_H

            #include <stdint.h>

            #ifdef __cplusplus
            extern "C" {
            #endif

            #define \(macro)_INPUT_HEIGHT \(shape.height)
            #define \(macro)_INPUT_WIDTH \(shape.width)
            #define \(macro)_INPUT_CHANNELS \(shape.channels)
            #define \(macro)_CLASSES \(classCount)
            #define \(macro)_TABLE_BYTES \(tableBytes)
            #define \(macro)_ARENA_WORDS \(max(1, arenaBytes / 4))

            /* Runs the network on one image. The arena has ..._ARENA_WORDS words, whose contents do not matter
             * before and mean nothing afterwards; two calls may share one if they do not run at once. */
            \(run);
            \(normalizes ? "\n/* The same of pixels, 8 bits a channel, which are normalized as in training. */\n\(runPixels);\n" : "")
            /* The class of \(normalizes ? "pixels" : "an image"), counted from 0: that of the largest logit, of equal ones the first. */
            \(classify);
            \(hasNames ? "\n/* What the classes are called, in UTF-8. */\nextern \(classNames);\n" : "")
            #ifdef __cplusplus
            }
            #endif

            #endif

            """
    }

    private var provenance: String {
        let entries = model.metadata.provenance.sorted { $0.key < $1.key }
        return entries.map { " * \(CText.comment("\($0.key.text): \($0.value)"))\n" }.joined()
    }

    private var pixelRule: String {
        guard let rule = model.metadata.preprocessing else { return "" }
        let resize =
            switch rule.resize {
            case .none: "images must have this size"
            case .stretch: "both sides are brought to this size"
            case .shorterSide(let side):
                "the shorter side is brought to \(side) pixels, then the centre is cropped"
            }
        return " * pixels   \(rule.channels.rawValue), 8 bits a channel; \(resize)\n"
    }

    // MARK: Source

    /// The source of the network.
    func source(
        tables: String, calls: [String], pixels: (factors: String, offsets: String)?, stagedAt: Int
    ) -> String {
        let body = calls.map { "    \($0)\n" }.joined()
        // A network without an operation, or whose values all lie with the caller.
        let unused =
            (calls.isEmpty
                ? "    memcpy(logits, image, sizeof *logits * \(name.macro)_CLASSES);\n" : "")
            + (body.contains("arena") ? "" : "    (void)arena;\n")
        let start = """
            /* A 1-bit network; see \(prefix).h. */
            #include "\(prefix).h"

            #include "bonn_elements.h"
            #include "bonn_layers.h"

            \(tables)\(run) {
            \(body)\(unused)}

            """
        return start + pixelFunction(pixels, stagedAt) + classifyFunction + classNameTable
    }

    private func pixelFunction(
        _ pixels: (factors: String, offsets: String)?, _ offset: Int
    ) -> String {
        guard let pixels else { return "" }
        let count = input.shape.height * input.shape.width
        let channels = input.shape.channels
        return """

            \(runPixels) {
                uint32_t *image = arena + \(offset);
                bonn_normalize(pixels, \(count), \(channels), \(pixels.factors), \(pixels.offsets), image);
                \(prefix)_run(arena, (const float *)image, logits);
            }

            """
    }

    private var classifyFunction: String {
        """

        \(classify) {
            \(prefix)_run\(normalizes ? "_pixels" : "")(arena, image, logits);
            return bonn_largest_\(output.element == .integer ? "i32" : "f32")(logits, \(classCount));
        }

        """
    }

    private var classNameTable: String {
        let names = model.metadata.classNames
        guard !names.isEmpty else { return "" }
        let literals = names.map { "    \(CText.string($0.text)),\n" }.joined()
        return "\n\(classNames) = {\n\(literals)};\n"
    }
}
