import BONNData
import BONNImage
import BONNModelFormat
import Testing

@Suite struct ListingDigestTests {
    private struct Listing: ImageDataset {
        var images: [ListedImage]
        var labels: [Int]

        var name: String { "listing" }
        var classNames: [Name] { ["a", "b"] }
        var channels: Int { 1 }
        var count: Int { images.count }
        var imageSize: (width: Int, height: Int)? { nil }

        func label(at index: Int) -> Int { labels[index] }
        func identifier(at index: Int) -> String { "/somewhere/" + images[index].name }
        func listed(at index: Int) -> ListedImage { images[index] }
        func image(at index: Int) throws(DataError) -> PixelBuffer {
            throw DataError(.brokenImage, "no pixels are read")
        }
    }

    private let base = Listing(
        images: [ListedImage(name: "a/1", bytes: 10), ListedImage(name: "b/2", bytes: 11)],
        labels: [0, 1])

    @Test func `the digest is that of the documented bytes`() {
        let bytes = Array("0 10 a/1\0".utf8) + Array("1 11 b/2\0".utf8)
        #expect(base.listingDigest() == SHA256.digest(bytes))
    }

    @Test func `a name, a size, a label, the order and the number make another digest`() {
        var others = [Listing](repeating: base, count: 5)
        others[0].images[1] = ListedImage(name: "b/3", bytes: 11)
        others[1].images[1] = ListedImage(name: "b/2", bytes: 12)
        others[2].labels = [0, 0]
        others[3].images.reverse()
        others[4].images.removeLast()
        for other in others { #expect(other.listingDigest() != base.listingDigest()) }
        // The two forms of one letter are two names.
        var forms = [base, base]
        forms[0].images[0] = ListedImage(name: "caf\u{E9}", bytes: 1)
        forms[1].images[0] = ListedImage(name: "cafe\u{301}", bytes: 1)
        #expect(forms[0].listingDigest() != forms[1].listingDigest())
    }

    @Test func `a part of a data set has the digest of its images`() {
        let first = Listing(images: [base.images[0]], labels: [0])
        #expect(base.first(1).listingDigest() == first.listingDigest())
    }
}
