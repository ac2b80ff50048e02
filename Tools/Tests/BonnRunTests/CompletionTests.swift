import Foundation
import Testing

@Suite struct CompletionTests {
    @Test(arguments: ["bash", "zsh", "fish"])
    func `a script of completions knows the commands and their options`(shell: String) throws {
        let run = try Tool("--generate-completion-script", shell)
        #expect(run.status == 0 && run.errors.isEmpty)
        for word in [
            "classify", "evaluate", "bench", "info", "import", "limit-image-memory", "predictions",
        ] {
            #expect(run.output.contains(word), "\(shell): \(word)")
        }
        #expect(run.output.contains("bonn-run"))
    }

    @Test func `bash understands its script and completes a command`() throws {
        let scratch = try Scratch()
        let script = try scratch.write(
            Array(try Tool("--generate-completion-script", "bash").output.utf8), "completions")
        let process = Process()
        let out = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "bash", "-c",
            "source \(script) && complete -p bonn-run && COMP_WORDS=(bonn-run cla) COMP_CWORD=1 "
                + "COMP_LINE='bonn-run cla' COMP_POINT=12; _bonn-run bonn-run cla bonn-run; "
                + "printf '%s\\n' \"${COMPREPLY[@]}\"",
        ]
        process.standardOutput = out
        try process.run()
        let output = String(
            decoding: try out.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(output.contains("complete ") && output.contains("classify"), "\(output)")
    }
}
