/// The classes with the largest scores, largest first.
///
/// Of equal scores the lower class comes first; a NaN comes after every number.
///
/// - Parameters:
///   - logits: the scores of one image, class 0 first.
///   - k: how many classes; all of them if there are fewer.
public func topK(
    _ logits: some Collection<Float>, _ k: Int
) -> [(classIndex: Int, score: Float)] {
    let ranked = logits.enumerated().sorted { a, b in
        if a.element.isNaN || b.element.isNaN {
            return a.element.isNaN == b.element.isNaN
                ? a.offset < b.offset : b.element.isNaN
        }
        return a.element == b.element ? a.offset < b.offset : a.element > b.element
    }
    return ranked.prefix(max(k, 0)).map { (classIndex: $0.offset, score: $0.element) }
}
