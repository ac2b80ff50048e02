import BONNInterop
import BONNModelFormat
import BONNTestSupport
import Foundation
import Testing

@Suite struct CExportTests {
    /// A machine on which exported networks are run: what compiles for it, and what emulates it.
    struct Target: Sendable, CustomTestStringConvertible {
        let name: String
        let compiler: [String]
        var emulator: [String] = []

        var testDescription: String { name }
        var isHere: Bool {
            CHarness.isInstalled(compiler[0])
                && (emulator.first.map(CHarness.isInstalled) ?? true)
        }

        static let strict = ["-std=c99", "-O2"]
        static let native = [
            Target(name: "gcc", compiler: ["gcc"] + strict),
            Target(name: "gcc, GNU mode, unoptimized", compiler: ["gcc", "-std=gnu99", "-O0"]),
            Target(
                name: "gcc, every instruction",
                compiler: ["gcc", "-std=gnu99", "-O3", "-march=x86-64-v3"]),
            Target(name: "clang", compiler: ["clang"] + strict),
            Target(
                name: "sanitizers",
                compiler: [
                    "gcc", "-std=c99", "-O1", "-g", "-fsanitize=address,undefined",
                    "-fno-sanitize-recover=all",
                ]),
        ].filter { target in
            #if arch(x86_64)
                true
            #else
                target.name != "gcc, every instruction"
            #endif
        }
        static let foreign = [
            Target(
                name: "aarch64",
                compiler: ["aarch64-linux-gnu-gcc", "-static", "-std=gnu99", "-O2"],
                emulator: ["qemu-aarch64"]),
            Target(
                name: "32-bit ARM without floating point, Thumb-2",
                compiler: [
                    "arm-linux-gnueabi-gcc", "-static", "-march=armv7-a", "-mthumb",
                    "-mfloat-abi=soft",
                ] + strict, emulator: ["qemu-arm"]),
            Target(
                name: "32-bit ARM with fused multiply-adds",
                compiler: [
                    "arm-linux-gnueabihf-gcc", "-static", "-mfpu=vfpv4-d16", "-O2", "-std=gnu99",
                ],
                emulator: ["qemu-arm"]),
            Target(
                name: "RISC-V of 64 bits", compiler: ["riscv64-linux-gnu-gcc", "-static"] + strict,
                emulator: ["qemu-riscv64"]),
            Target(
                name: "s390x, big-endian", compiler: ["s390x-linux-gnu-gcc", "-static"] + strict,
                emulator: ["qemu-s390x"]),
        ]
    }

    /// Random networks in which every operation occurs, some of which normalize pixels.
    static func models() throws -> [(name: String, model: ModelFile, seed: UInt64)] {
        let random = try (0..<28 as Range<UInt64>).map { seed in
            var model =
                seed % 7 == 6
                ? RandomModels.modelWithStem(seed: seed) : RandomModels.model(seed: seed)
            let input = model.metadata.graph.input
            if input.element == .real, [1, 3].contains(input.shape.channels) {
                var generator = SeededGenerator(seed: seed)
                model.metadata.preprocessing = Preprocessing(
                    width: input.shape.width, height: input.shape.height, resize: .none,
                    channels: input.shape.channels == 3 ? .rgb : .gray,
                    mean: generator.reals(input.shape.channels, in: 0...1),
                    std: generator.reals(input.shape.channels, in: 0.1...1))
            }
            return ("m\(seed)", try ModelFile(bytes: model.serialized()), seed)
        }
        return random + [
            ("everything", Sample.uncertified(), 1), ("smallest", Sample.smallest(), 2),
        ]
    }

    private func compare(_ target: Target) throws {
        try withTemporaryFolder { folder in
            var harness = CHarness(in: folder)
            for (name, model, seed) in try Self.models() {
                try harness.add(model, name, seed: seed)
            }
            try harness.finish()
            let found = try harness.run(target.compiler, emulator: target.emulator)
            #expect(found == harness.success, "\(target.name): mN is the model of seed N")
        }
    }

    @Test func `the random networks hold every operation and normalize pixels`() throws {
        let models = try Self.models().map(\.model)
        let kinds = models.flatMap { $0.metadata.graph.nodes.map(\.operation.kind) }
        #expect(Set(kinds) == Set(Operation.Kind.allCases))
        #expect(models.count { $0.metadata.preprocessing != nil } > 3)
        let compilers = Target.native.filter(\.isHere)
        #expect(!compilers.isEmpty)
    }

    @Test(arguments: Target.native.filter(\.isHere))
    func `logits have the bits of the runtime, without a warning`(_ target: Target) throws {
        try compare(target)
    }

    @Test(
        .enabled("the compilers or the emulators are missing (make setup installs them on Debian)")
        {
            Target.foreign.allSatisfy(\.isHere)
        }, arguments: Target.foreign)
    func `logits have the bits of the runtime on other processors`(_ target: Target) throws {
        try compare(target)
    }

    @Test func `networks of no or one operation need no arena, and unread values none`() throws {
        let nothing = ModelBuilder(seed: 1, input: Shape(3, 1, 1)).model(output: "input")
        var flat = ModelBuilder(seed: 1, input: Shape(2, 2, 2))
        let flattened = flat.flatten("input")
        var unread = ModelBuilder(seed: 1, input: Shape(2, 3, 3))
        let shortcut = unread.linear(unread.flatten("input"), outputs: 4)
        _ = unread.convolution("input", outputs: 900, window: Window(2))
        let sum = unread.add(shortcut, unread.relu(shortcut))
        let models = [
            "nothing": nothing, "flat": flat.model(output: flattened),
            "unread": unread.model(output: sum),
        ]
        try withTemporaryFolder { folder in
            var harness = CHarness(in: folder)
            for (name, model) in models.sorted(by: { $0.key < $1.key }) {
                try harness.add(model, name, seed: 3)
                let arena = try CExport(model, name: CName(name)).arenaBytes
                #expect(arena <= (name == "unread" ? 4 * (18 + 8) : 0), "\(name): \(arena)")
            }
            try harness.finish()
            let found = try harness.run(["gcc", "-std=c99", "-O2"])
            #expect(found == harness.success)
        }
    }

    @Test func `texts of strangers stay in comments and literals`() throws {
        var model = try Self.models()[0].model
        let texts = [
            "*/ #error", "/* nested", "??/", "end\\", "line\nbreak\u{2028}", "\"quote\"",
            "%s 1\u{1}23",
            "žluťoučký 🐎 ??)", "\\u0041", "*//*/",
        ]
        model.metadata.provenance = Dictionary(
            uniqueKeysWithValues: texts.map { (Name($0), $0) })
        let count = try #require(model.validate()[model.metadata.graph.output]).shape.channels
        model.metadata.classNames = (0..<count).map { Name(texts[$0 % texts.count]) }
        try withTemporaryFolder { folder in
            for file in try CExport(model, name: CName("net")).files {
                #expect(file.bytes.allSatisfy { $0 < 0x80 }, "\(file.name)")
                try Data(file.bytes).write(to: folder.appending(path: file.name))
            }
            let main = """
                #include "net.h"
                #include <stdio.h>
                int main(void) {
                    for (int i = 0; i < NET_CLASSES; i++) {
                        fputs(net_class_names[i], stdout);
                        putchar(0);
                    }
                    return 0;
                }
                """
            try Data(main.utf8).write(to: folder.appending(path: "main.c"))
            let built = try runCommand(
                [
                    "gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "names",
                    "main.c", "net.c",
                ], in: folder
            ).output
            #expect(built.isEmpty, "\(built)")
            let names = try runCommand([folder.appending(path: "names").path], in: folder).output
            #expect(
                Array(names.utf8)
                    == model.metadata.classNames.flatMap { Array($0.text.utf8) + [0] })
        }
    }

    @Test func `the same network gives the same bytes`() throws {
        let model = try Self.models()[1].model
        let exports = try (0..<2).map { _ in try CExport(model, name: CName("net")).files }
        #expect(exports[0].map(\.bytes) == exports[1].map(\.bytes))
        #expect(
            exports[0].map(\.name)
                == ["bonn_arithmetic.h", "bonn_layers.h", "bonn_elements.h", "net.c", "net.h"])
    }

    @Test(arguments: [
        "", "1a", "a-b", "é", "string", "bonn_layers", String(repeating: "a", count: 41),
    ])
    func `names that are no identifiers or hide a header are refused`(_ name: String) {
        #expect(throws: InteropError.self) { try CName(name) }
    }

    @Test func `a path suggests a name`() throws {
        #expect(try CName(suggestedBy: "nets/wide-resnet.v2.bonn").text == "wide_resnet_v2")
        #expect(try CName(suggestedBy: "22.bonn").text == "n_22")
    }

    @Test func `more tables than devices hold are refused in one line`() {
        var builder = ModelBuilder(seed: 1, input: Shape(3, 1, 1))
        let first = builder.linear("input", outputs: 4_096)
        let second = builder.linear(first, outputs: 2_100)
        let model = builder.model(output: second)
        let error = #expect(throws: InteropError.self) { try CExport(model, name: CName("net")) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("\n") == false)
    }
}
