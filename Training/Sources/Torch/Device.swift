import CTorch

/// Where a tensor's elements live and its operations run.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    /// The processor.
    case cpu
    /// An NVIDIA (or, in LibTorch's ROCm builds, AMD) accelerator, by number.
    case cuda(Int)
    /// The graphics processor of an Apple machine.
    case mps

    /// The device that `name` stands for: `cpu`, `cuda` (the first), `cuda:N` or `mps`.
    ///
    /// - Throws: `TorchError` of code `device` that lists the available devices, when the name is
    ///   none of these or the device is not there. There is no fallback to another device.
    public init(parsing name: String) throws(TorchError) {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("cpu", 1): self = .cpu
        case ("mps", 1): self = .mps
        case ("cuda", 1): self = .cuda(0)
        case ("cuda", 2):
            guard parts[1].allSatisfy(\.isNumber), let index = Int(parts[1]) else { fallthrough }
            self = .cuda(index)
        default:
            throw TorchError(
                .device,
                "unknown device '\(name)': expected cpu, cuda, cuda:N or mps; available here: "
                    + Device.available.map(\.description).joined(separator: ", "))
        }
        try requireAvailable()
    }

    /// Whether this machine has the device and this LibTorch can use it.
    public var isAvailable: Bool {
        switch self {
        case .cpu: true
        case .cuda(let index): (0..<Device.count(CTORCH_CUDA)).contains(index)
        case .mps: Device.count(CTORCH_MPS) > 0
        }
    }

    /// The devices that can be used here; the processor is always the first.
    public static var available: [Device] {
        [.cpu] + (0..<count(CTORCH_CUDA)).map(Device.cuda)
            + (count(CTORCH_MPS) > 0 ? [Device.mps] : [])
    }

    /// Throws unless the device is available.
    ///
    /// - Throws: `TorchError` of code `device` that lists the available devices.
    public func requireAvailable() throws(TorchError) {
        guard !isAvailable else { return }
        throw TorchError(
            .device,
            "device \(self) is not available: LibTorch \(torchVersion) finds "
                + Device.available.map(\.description).joined(separator: ", ")
                + (self == .mps
                    ? "" : "; cuda needs an NVIDIA driver and a CUDA build of LibTorch"))
    }

    /// `cpu`, `cuda:N` or `mps`: what `init(parsing:)` reads.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .mps: "mps"
        }
    }

    var code: ctorch_device {
        switch self {
        case .cpu: ctorch_device(kind: CTORCH_CPU, index: 0)
        case .cuda(let index): ctorch_device(kind: CTORCH_CUDA, index: Int32(clamping: index))
        case .mps: ctorch_device(kind: CTORCH_MPS, index: 0)
        }
    }

    init(_ code: ctorch_device) {
        switch code.kind {
        case CTORCH_CUDA: self = .cuda(Int(code.index))
        case CTORCH_MPS: self = .mps
        default: self = .cpu
        }
    }

    /// A driver that cannot even be asked has no usable device.
    private static func count(_ kind: ctorch_device_kind) -> Int {
        var count: Int32 = 0
        do throws(TorchError) {
            try check(()) { ctorch_device_count(kind, &count, $0) }
        } catch {
            return 0
        }
        return Int(count)
    }
}
