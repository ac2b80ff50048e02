import BONNNetworks
import BONNRuntime
import Torch

/// What can go wrong between a trained network and a model file.
public struct ExportError: Error, Equatable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: String, Sendable {
        /// NaN or infinity among the weights.
        case notFinite
        /// The runtime has no operation for what the method computes.
        case unsupported
        /// LibTorch failed.
        case torch
        /// The model file was refused by its own reader.
        case format
        /// The runtime failed.
        case runtime
        /// The runtime does not compute what the network computes.
        case parity
    }
    /// The kind of error.
    public let code: Code
    /// What, where, expected, found, what to do.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

/// Runs LibTorch work on behalf of a named layer.
func torch<Result>(
    _ name: String, _ body: () throws(TorchError) -> Result
) throws(ExportError) -> Result {
    do {
        return try body()
    } catch {
        throw ExportError(.torch, "\(name): \(error.message)")
    }
}

/// Runs lowering and deployment arithmetic on behalf of what is named.
func deployment<Result>(
    _ name: String, _ body: () throws -> Result
) throws(ExportError) -> Result {
    do {
        return try body()
    } catch let error as ExportError {
        throw error
    } catch let error as LoweringError {
        let code: ExportError.Code =
            switch error.code {
            case .notFinite: .notFinite
            case .unsupported: .unsupported
            case .source: .torch
            case .format: .format
            }
        throw ExportError(code, error.message)
    } catch {
        throw ExportError(.torch, "\(name): \(error)")
    }
}

/// Runs the runtime's work on behalf of what is named.
func runtime<Result: ~Copyable>(
    _ name: String, _ body: () throws(RuntimeError) -> Result
) throws(ExportError) -> Result {
    do {
        return try body()
    } catch {
        throw ExportError(.runtime, "\(name): \(error.message)")
    }
}
