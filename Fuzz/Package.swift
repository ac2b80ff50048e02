// swift-tools-version: 6.2
// What reads files of strangers, under a fuzzer. Scripts/fuzz.sh builds it: the sanitizers, the counters of
// the coverage and the fuzzer's archive come from its command line. Nothing depends on this package.
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "Fuzz",
    platforms: [.macOS(.v14)],
    dependencies: [
        .package(name: "swift-bonn", path: ".."),
        .package(name: "Tools", path: "../Tools"),
    ],
    targets: [
        .target(
            name: "BONNTestSupport",
            dependencies: [.product(name: "BONNModelFormat", package: "swift-bonn")],
            swiftSettings: settings),
        .systemLibrary(name: "CLibFuzzer"),
        .executableTarget(
            name: "bonn-fuzz",
            dependencies: [
                "BONNTestSupport", "CLibFuzzer",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNImageIO", package: "Tools"),
                .product(name: "BONNInterop", package: "Tools"),
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
