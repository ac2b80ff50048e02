import BONNNetworks
import Testing

@Suite struct Int8FormTests {
    @Test func `weights are rounded to steps of a 127th of the channel's largest`() {
        let form = Int8Form(
            [1, -0.5, 0.25, 0, 0, 0, -2.54, 2.54, 0.03], shape: [3, 3], inputLimit: 6.35)
        #expect(form.weights == [127, -64, 32, 0, 0, 0, -127, 127, 2])
        #expect(form.weightScale == [1 / 127, 1, Float(2.54) / 127])
        #expect(form.inputScale == Float(6.35) / 127)
        #expect(form.sumScale[1] == Float(6.35) / 127)
    }

    @Test func `a real input leaves the weights' own scale`() {
        let form = Int8Form([2, -1, 0.5, 0], shape: [2, 2], inputLimit: nil)
        #expect(form.inputScale == nil && form.inverseInputScale == nil)
        #expect(form.sumScale == form.weightScale && form.weightScale[0] == Float(2) / 127)
    }
}
