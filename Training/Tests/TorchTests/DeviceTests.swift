import Testing
import Torch

@Suite struct DeviceTests {
    @Test func `the processor is always there and comes first`() throws {
        #expect(Device.available.first == .cpu)
        #expect(Device.cpu.isAvailable)
        #expect(try Device(parsing: "cpu") == .cpu)
        for device in Device.available {
            #expect(device.isAvailable)
            #expect(try Device(parsing: device.description) == device)
        }
    }

    @Test(arguments: ["", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "mps:0"])
    func `an unknown name is refused with the names that would do`(name: String) throws {
        let error = try #require(throws: TorchError.self) { try Device(parsing: name) }
        #expect(error.code == .device)
        #expect(error.message.contains("'\(name)'"))
        #expect(error.message.contains("expected cpu, cuda, cuda:N or mps"))
        let available = Device.available.map(\.description).joined(separator: ", ")
        #expect(error.message.hasSuffix("available here: \(available)"))
    }

    @Test func `a device that is not there is an error, never another device`() throws {
        let absent = Device.cuda(99)
        #expect(!absent.isAvailable)
        let parsing = try #require(throws: TorchError.self) { try Device(parsing: "cuda:99") }
        #expect(parsing.code == .device)
        #expect(parsing.message.contains("cuda:99 is not available"))
        #expect(parsing.message.contains("cpu"))
        let error = TorchError(.device, "")
        #expect(throws: error) { try Tensor.zeros([2], device: absent) }
        #expect(throws: error) { try Tensor.empty([2], device: absent) }
        #expect(throws: error) { try Tensor([1], shape: [1], device: absent) }
        #expect(throws: error) { try Tensor.zeros([2]).to(absent) }
        #expect(throws: error) { try Generator(seed: 0, device: absent) }
        #expect(throws: error) { try DeviceMemory(of: absent) }
        #expect(!Device.cuda(-1).isAvailable)
        #expect(!Device.cuda(1 << 40).isAvailable)
    }

    @Test(arguments: Device.available)
    func `every available device computes, counts its memory and draws`(device: Device) throws {
        let x = try Tensor([1, 2, 3, 4], shape: [2, 2], device: device).requiresGradient(true)
        #expect(x.device == device)
        try x.matmul(x).sum().backward()
        #expect(try x.grad?.to(.cpu).floats() == [7, 11, 9, 13])
        let draws = try (0..<2).map { _ in try Generator(seed: 5, device: device).normal([64]) }
        #expect(draws[0].device == device)
        #expect(try draws[0].equals(draws[1]))
        if case .cuda = device {
            let memory = try DeviceMemory(of: device)
            #expect(memory.allocated > 0 && memory.reserved >= memory.allocated)
        }
    }

    @Test func `the version names the LibTorch that was built with`() {
        #expect(torchVersion.hasPrefix("2."))
    }
}
