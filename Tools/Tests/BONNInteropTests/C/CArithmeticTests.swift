import BONNInterop
import BONNTestSupport
import Foundation
import Testing

/// The arithmetic of the C kernels against the C library's, and checks that can see it go wrong.
@Suite struct CArithmeticTests {
    /// Compares `bonn_fma` without an instruction with `fmaf` on operands of all sizes, many of which cancel
    /// or lie next to the middle between two numbers.
    private static let program = """
        #include "bonn_elements.h"
        #include "bonn_layers.h"
        #include <math.h>
        #include <stdio.h>
        static uint64_t state = 1;
        static uint32_t draw(void) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            return (uint32_t)(state >> 32);
        }
        static float number(int shape) {
            uint32_t bits = draw();
            float value;
            if (shape == 0) {
                bits = (bits & 0x807FFFFFu) | (127u - 4u + (draw() & 7u)) << 23;
            } else if (shape == 1) {
                bits &= 0xFFF00000u;
            } else if (shape == 2) {
                bits = (bits & 0x80000007u) | 0x3F800000u;
            }
            memcpy(&value, &bits, sizeof value);
            return value;
        }
        int main(void) {
            int i, wrong = 0;
            for (i = 0; i < 4000000; i++) {
                const float x = number(i & 3), w = number(i >> 2 & 3);
                float a = number(i >> 4 & 3), found, expected;
                if ((i >> 6 & 3) == 0) {
                    a = -x * w;
                } else if ((i >> 6 & 3) == 1) {
                    a = ldexpf(x, 24);
                }
                found = bonn_fma(x, w, a);
                expected = fmaf(x, w, a);
                wrong += memcmp(&found, &expected, sizeof found) != 0 && !(found != found && expected != expected);
            }
            printf("%d wrong\\n", wrong);
            return 0;
        }
        """

    private func wrong(_ change: (String) -> String = { $0 }) throws -> String {
        try withTemporaryFolder { folder in
            let model = try CExportTests.models()[0].model
            for file in try CExport(model, name: CName("net")).files {
                let text = change(String(decoding: file.bytes, as: UTF8.self))
                try Data(text.utf8).write(to: folder.appending(path: file.name))
            }
            try Data(Self.program.utf8).write(to: folder.appending(path: "fma.c"))
            let built = try runCommand(
                ["gcc", "-std=c99", "-O2", "-o", "fma", "fma.c", "-lm"], in: folder
            ).output
            guard built.isEmpty else { return built }
            return try runCommand([folder.appending(path: "fma").path], in: folder).output
        }
    }

    @Test func `the fused multiply-add without an instruction equals the C library's`() throws {
        #expect(try wrong() == "0 wrong\n")
    }

    @Test func `a multiply-add that is rounded twice is noticed`() throws {
        let found = try wrong {
            $0.replacingOccurrences(of: "if (e > 0 || e < 0)", with: "if (0)")
        }
        #expect(found.hasSuffix(" wrong\n") && found != "0 wrong\n", "\(found)")
    }

    @Test(arguments: [
        ("bonn_layers.h", "2 * bonn_ones(a ^", "3 * bonn_ones(a ^"),
        ("bonn_elements.h", "way < 0 ? v <= t", "way < 0 ? v >= t"),
        ("bonn_arithmetic.h", "const float y = a * b", "const float y = a * b * 1.0000001f"),
        ("bonn_elements.h", "series[n]", "series[n] * 1.0000001"),
        ("bonn_layers.h", "? -s : s", "? s : s"),
        ("bonn_elements.h", "v < 0 ? 0.0f", "v < 1 ? 0.0f"),
    ])
    func `wrong kernels give other bits`(file: String, right: String, wrong: String) throws {
        try withTemporaryFolder { folder in
            var harness = CHarness(in: folder)
            for (name, model, seed) in try CExportTests.models().suffix(14) {
                try harness.add(model, name, seed: seed)
            }
            try harness.finish()
            let path = folder.appending(path: file)
            let text = try String(contentsOf: path, encoding: .utf8)
            let changed = text.replacingOccurrences(of: right, with: wrong)
            #expect(changed != text)
            try Data(changed.utf8).write(to: path)
            #expect(try harness.run(["gcc", "-std=c99", "-O1"]).contains("other bits"))
        }
    }
}
