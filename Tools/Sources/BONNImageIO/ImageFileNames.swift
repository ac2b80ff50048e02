/// The endings of the files that are taken for images where a folder is searched for them.
public let imageFileEndings = [".jpg", ".jpeg", ".png", ".gif", ".webp"]

/// Whether a file is taken for an image by its name, in any capitals; what it holds decides how it is
/// decoded.
public func isImageFileName(_ name: String) -> Bool {
    let lower = name.lowercased()
    return imageFileEndings.contains { lower.utf8.count > $0.utf8.count && lower.hasSuffix($0) }
}
