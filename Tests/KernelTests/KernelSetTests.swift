import BONNRuntime
import Testing

@Suite struct KernelSetTests {
    @Test func `the tests say which kernel sets ran and which are absent`() {
        let ran = KernelSet.available.map(\.name).joined(separator: ", ")
        let absent = KernelSet.unsupported.map(\.name).joined(separator: ", ")
        print("kernel sets tested: \(ran); built, not run: \(absent.isEmpty ? "none" : absent)")
        #expect(KernelSet.available.first?.name == "scalar")
        #expect(KernelSet.available.contains(KernelSet.best))
    }

    @Test func `every available set is found by its name`() throws {
        for set in KernelSet.available {
            #expect(try KernelSet.named(set.name) == set)
        }
    }

    @Test func `an unknown name is refused with the names that there are`() {
        let error = #expect(throws: RuntimeError.self) { try KernelSet.named("mmx") }
        #expect(error?.code == .unknownKernelSet)
        #expect(error?.message.contains("\"mmx\"") == true)
        #expect(error?.message.contains("scalar") == true)
    }
}
