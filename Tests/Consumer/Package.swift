// swift-tools-version: 6.2
// A package of someone else's that embeds the runtime by version: Scripts/consumer.sh copies it out
// of the repository, points it at a tagged copy, builds and runs it.
import PackageDescription

let package = Package(
    name: "Consumer",
    platforms: [.macOS(.v14)],
    dependencies: [.package(url: Context.environment["BONN_REPOSITORY"] ?? "", from: "0.0.1")],
    targets: [
        .executableTarget(
            name: "Consumer",
            dependencies: [
                .product(name: "BONNRuntime", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNImage", package: "swift-bonn"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
