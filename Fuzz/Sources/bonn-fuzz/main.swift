// bonn-fuzz TARGET [OPTION|FOLDER|FILE]...   libFuzzer's options; Scripts/fuzz.sh knows which
// bonn-fuzz seeds TARGET FOLDER              writes the seeds that the project's own writers make
// bonn-fuzz list                             the names of the targets
import BONNTestSupport
import CLibFuzzer
import Foundation

/// Stops with a message.
func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("error: \(message)\n".utf8))
    exit(2)
}

func target(named name: String) -> Target {
    guard let target = Target.all.first(where: { $0.name == name }) else {
        let names = Target.all.map(\.name).joined(separator: ", ")
        fail("no target is called '\(name)', expected one of \(names)")
    }
    return target
}

let arguments = CommandLine.arguments
switch arguments.count > 1 ? arguments[1] : "" {
case "list":
    for target in Target.all { print(target.name) }
case "seeds":
    guard arguments.count == 4 else { fail("expected: bonn-fuzz seeds TARGET FOLDER") }
    for (index, seed) in target(named: arguments[2]).seeds().enumerated() {
        let file = URL(fileURLWithPath: "\(arguments[3])/seed-\(index)")
        do {
            try Data(seed).write(to: file)
        } catch {
            fail("\(file.path): \(error)")
        }
    }
case let first:
    // The name of the target is not libFuzzer's to read; where that starts this program anew, to make an
    // input smaller, the name comes from the environment.
    let variable = "BONN_FUZZ_TARGET"
    let again = first.hasPrefix("-") ? ProcessInfo.processInfo.environment[variable] : nil
    let name = again ?? first
    Campaign.begin(target(named: name))
    setenv(variable, name, 1)
    let skipped = again == nil ? 1 : 0
    let remaining = CommandLine.unsafeArgv + skipped
    remaining[0] = CommandLine.unsafeArgv[0]
    var count = CommandLine.argc - CInt(skipped)
    var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = remaining
    exit(LLVMFuzzerRunDriver(&count, &pointer) { Campaign.run($0, $1) })
}
