public import ArgumentParser
import Foundation

extension ParsableCommand {
    /// Runs a command line from its arguments to its exit code.
    ///
    /// | ends with | exit code | standard error |
    /// |---|---|---|
    /// | all results written, or help | 0 | nothing |
    /// | an error | 1 | its one line |
    /// | wrong options | 64 | one line |
    /// | an `ExitCode` | that code | nothing |
    /// | a reader that went away (`... \| head -1`) | 141, as of a filter that SIGPIPE ends | nothing |
    /// | results that could not be written | 1 | one line |
    ///
    /// - Parameters:
    ///   - prefix: What every complaint begins with.
    ///   - text: What is said of an error whose description is not for people; nil for all others.
    public static func runProgram(
        complaintPrefix prefix: String = "", text: (any Error) -> String? = { _ in nil }
    ) -> Never {
        openStandardDescriptors()
        do {
            do {
                var command = try parseAsRoot()
                try command.run()
            } catch  where exitCode(for: error) == .success {
                // Help, the version, a script of completions.
                try Terminal.document(fullMessage(for: error))
            }
            try Terminal.finish()
            Foundation.exit(ExitCode.success.rawValue)
        } catch let error as OutputLost where error.isClosedPipe {
            Foundation.exit(128 + SIGPIPE)
        } catch {
            let message = text(error) ?? message(for: error)
            if !message.isEmpty { Terminal.complain(prefix + message) }
            Foundation.exit(exitCode(for: error).rawValue)
        }
    }
}
