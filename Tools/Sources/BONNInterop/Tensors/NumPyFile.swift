import BONNModelFormat

/// An array in NumPy's format, version 1.0.
///
/// Layout: the byte 0x93 and `NUMPY`, the version as two bytes, the length of the header in 16 bits, the header: a
/// dictionary of Python's, spaces and a line feed up to a multiple of 64 bytes; then the elements, little-endian, the last
/// dimension fastest.
enum NumPyFile {
    static func bytes(_ tensor: Safetensors.Tensor) -> [UInt8] {
        let type =
            switch tensor.elementType {
            case .i8: "|i1"
            case .u8: "|u1"
            case .i32: "<i4"
            default: "<f4"
            }
        let shape = tensor.shape.map { "\($0)," }.joined(separator: " ")
        var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(shape)), }"
        let length = (10 + header.utf8.count + 1 + 63) / 64 * 64 - 10
        header += String(repeating: " ", count: length - 1 - header.utf8.count) + "\n"
        return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
            + header.utf8 + tensor.bytes
    }
}
