/// An IDX file of unsigned bytes: magic `00 00 08 RANK`, one big-endian 32-bit size for each
/// dimension, then the bytes.
struct IDXFile {
    let path: String
    let sizes: [Int]
    private let data: [UInt8]
    private let header: Int

    /// No side of an image, and no count, is larger than this.
    private static let largestSize = 1 << 28

    /// Opens a file and checks its magic, sizes and length; `dimensions` names the sizes.
    init(_ path: String, dimensions: [String]) throws(DataError) {
        self.path = path
        let header = 4 + 4 * dimensions.count
        var sizes: [Int] = []
        data = try Files.bytes(path, what: "an IDX file", beginning: header) {
            (beginning, size) throws(DataError) in
            sizes = try Self.sizes(path, beginning, fileBytes: size, dimensions: dimensions)
        }
        self.header = header
        self.sizes = sizes
    }

    /// What a header states; it must be that of a file of so many bytes.
    private static func sizes(
        _ path: String, _ data: [UInt8], fileBytes: Int, dimensions: [String]
    ) throws(DataError) -> [Int] {
        let rank = dimensions.count
        let header = 4 + 4 * rank
        let found = data.prefix(4).map { hexadecimal($0) }.joined(separator: " ")
        guard data.count < 4 || data.starts(with: [0, 0, 8, UInt8(rank)]) else {
            let packed = data.starts(with: [0x1F, 0x8B])
            throw DataError(
                .badMagic,
                "\(path): begins with \(found), expected 00 00 08 0\(rank) (IDX, unsigned bytes, "
                    + "\(rank) dimensions)" + (packed ? "; it is gzip data: gunzip it" : ""))
        }
        guard data.count >= header else {
            throw DataError(
                .truncated,
                "\(path): holds \(data.count) bytes, expected an IDX header of \(header)")
        }
        var sizes: [Int] = []
        var elements = 1
        for (dimension, name) in dimensions.enumerated() {
            let offset = 4 + 4 * dimension
            let size = data[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            guard (1...Self.largestSize).contains(size), !overflow else {
                throw DataError(
                    .badShape,
                    "\(path): states \(grouped(size)) \(name) at byte \(offset), which cannot be")
            }
            sizes.append(size)
            elements = product
        }
        let stated = zip(sizes, dimensions).map { "\(grouped($0)) \($1)" }.joined(separator: ", ")
        guard fileBytes - header == elements else {
            let isShort = fileBytes - header < elements
            throw DataError(
                isShort ? .truncated : .oversized,
                "\(path): holds \(grouped(fileBytes)) bytes, expected \(grouped(header)) + "
                    + "\(grouped(elements)) for \(stated); copy or download it again")
        }
        return sizes
    }

    /// The bytes before the elements of a file of unsigned bytes.
    static func header(sizes: [Int]) -> [UInt8] {
        [0, 0, 8, UInt8(sizes.count)]
            + sizes.flatMap { size in
                (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
            }
    }

    /// Where an element is in the file.
    func offset(_ element: Int) -> Int { header + element }

    /// One element.
    func byte(_ element: Int) -> UInt8 { data[header + element] }

    /// A run of elements.
    func bytes(_ first: Int, count: Int) -> [UInt8] {
        [UInt8](data[header + first..<header + first + count])
    }
}
