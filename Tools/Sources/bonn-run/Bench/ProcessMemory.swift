import Foundation

/// The resident memory of this process.
enum ProcessMemory {
    /// What it is now and what it was at most, in bytes; nil where the system does not say.
    ///
    /// Linux: VmRSS and VmHWM of `/proc/self/status`. (`getrusage` would count what the process
    /// was before it became this program.) Elsewhere only the peak is known, from `getrusage`.
    static func resident() -> (now: Int, peak: Int)? {
        #if os(Linux)
            guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
                let now = kilobytes("VmRSS:", in: status),
                let peak = kilobytes("VmHWM:", in: status)
            else { return nil }
            return (1024 * now, 1024 * peak)
        #elseif canImport(Darwin)
            var usage = rusage()
            guard getrusage(RUSAGE_SELF, &usage) == 0 else { return nil }
            return (usage.ru_maxrss, usage.ru_maxrss)
        #else
            return nil
        #endif
    }

    private static func kilobytes(_ key: String, in status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
}
