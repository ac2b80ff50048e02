import BONNImage
import BONNModelFormat
import BONNRuntime

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct CannotWrite: Error { let path: String }

func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "wb") else { throw CannotWrite(path: path) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw CannotWrite(path: path) }
}

let path = CommandLine.arguments[1]
try write(twoClassModel().serialized(), to: path)

let model = try Model(path: path)
var session = try InferenceSession(model)
let bright = [UInt8](repeating: 200, count: 8 * 16)
let dark = [UInt8](repeating: 50, count: 8 * 16)
for pixels in [bright + dark, dark + bright] {
    // 16x16, so that the preprocessing of the file has to bring it to the input's size.
    let image = PixelBuffer(width: 16, height: 16, channels: 1, pixels: pixels)
    guard let preprocessing = model.metadata.preprocessing else { break }
    let logits = try session.run(preprocessing.input(image))
    if let best = topK(logits, 1).first {
        print(model.metadata.classNames[best.classIndex], best.score)
    }
}

// The examples of the documentation, which the script has made a function of.
let gray = [Float](repeating: 0.5, count: 32) + [Float](repeating: -0.5, count: 32)
let colours = (bright + dark).flatMap { [$0, $0, $0] }
try await examples(width: 16, height: 16, rgb: colours, inputs: [gray, gray, gray])
