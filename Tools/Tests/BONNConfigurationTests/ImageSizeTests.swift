import BONNConfiguration
import Testing

@Suite struct ImageSizeTests {
    @Test(arguments: [
        (ImageSize(32), "32"), (ImageSize(height: 48, width: 64), "48x64"), (ImageSize(0), "0"),
        (ImageSize(height: 1, width: 4096), "1x4096"),
    ])
    func `a size of images is one number or height x width`(size: ImageSize, text: String) {
        #expect(size.description == text && ImageSize(text) == size)
    }

    @Test(arguments: [
        "", "x", "32x", "x32", "0x32", "32x0", "-3", "3.5", "32X32", "4097", "1x2x3", "32 x 32",
    ])
    func `what is no size of images is none`(text: String) {
        #expect(ImageSize(text) == nil)
    }
}
