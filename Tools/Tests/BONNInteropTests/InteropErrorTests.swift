import BONNInterop
import Testing

@Suite struct InteropErrorTests {
    @Test func `an error is its message`() {
        let error = InteropError(.refused, "model.pth: the global 'os.system' is not executed")
        #expect("\(error)" == "model.pth: the global 'os.system' is not executed")
    }
}
