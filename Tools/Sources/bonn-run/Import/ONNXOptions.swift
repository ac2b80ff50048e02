import ArgumentParser
import BONNConfiguration
import BONNInterop
import BONNModelFormat

/// What an ONNX file does not say of its network.
struct ONNXOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Means of the channels, a pixel being 0 to 1; with --std and --resize. Unless given, as a file "
                + "of bonn-run export says, or unknown.", valueName: "numbers"))
    var mean: String?

    @Option(help: ArgumentHelp("Standard deviations, likewise.", valueName: "numbers"))
    var std: String?

    @Option(
        help: ArgumentHelp(
            "How images get the input's size: none, stretch, or the pixels of the shorter side in front of "
                + "a crop of the middle.", valueName: "rule"))
    var resize: String?

    @Option(
        help: ArgumentHelp(
            "Height and width of the images, where the file leaves them open.",
            valueName: "HEIGHTxWIDTH"))
    var inputSize: String?

    @Option(
        help: ArgumentHelp(
            "What a Sign, which is 0 at 0, shall be there, where its value becomes a bit: "
                + SignOfZero.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "sign"), completion: .list(SignOfZero.allCases.map(\.rawValue)))
    var signZero: String?

    /// The options that were given.
    var given: [String] {
        [
            ("--mean", mean), ("--std", std), ("--resize", resize), ("--input-size", inputSize),
            ("--sign-zero", signZero),
        ].compactMap { $1 == nil ? nil : $0 }
    }

    func validate() throws { _ = try options() }

    /// The options of an import.
    func options() throws -> ONNXImport.Options {
        var options = ONNXImport.Options()
        if let signZero {
            guard let sign = SignOfZero(rawValue: signZero) else {
                throw ValidationError(
                    Choices.message(
                        "--sign-zero", found: signZero, valid: SignOfZero.allCases.map(\.rawValue)))
            }
            options.signOfZero = sign
        }
        if let inputSize {
            guard let size = ImageSize(inputSize), size.isKnown else {
                throw ValidationError(
                    "--input-size: expected \(ImageSize.expectation), found '\(printable(inputSize))'"
                )
            }
            options.inputSize = (size.height, size.width)
        }
        options.preparation = try preparation()
        return options
    }

    private func preparation() throws -> ONNXImport.Preparation? {
        guard let mean, let std, let resize else {
            guard mean == nil, std == nil, resize == nil else {
                throw ValidationError(
                    "--mean, --std and --resize say together how images are prepared: give all of them, or "
                        + "none")
            }
            return nil
        }
        let rule: Preprocessing.Resize
        switch resize {
        case "none": rule = .none
        case "stretch": rule = .stretch
        default:
            guard let pixels = Int(resize), (1...FormatLimits.side).contains(pixels) else {
                throw ValidationError(
                    "--resize: expected none, stretch or 1 to \(FormatLimits.side) pixels, found "
                        + "'\(printable(resize, limit: 60))'")
            }
            rule = .shorterSide(pixels)
        }
        return ONNXImport.Preparation(
            mean: try numbers("--mean", mean), std: try numbers("--std", std), resize: rule)
    }

    private func numbers(_ option: String, _ text: String) throws -> [Float] {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Float($0) }
        let found = numbers.compactMap { $0 }
        guard found.count == numbers.count, [1, 3].contains(found.count),
            found.allSatisfy(\.isFinite)
        else {
            throw ValidationError(
                "\(option): expected three numbers with commas between them, or one for gray images, found "
                    + "'\(printable(text, limit: 60))'")
        }
        return found
    }
}
