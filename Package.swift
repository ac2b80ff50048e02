// swift-tools-version: 6.2
// The runtime: what an app embeds. It depends on nothing, and that line stays empty.
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "swift-bonn",
    platforms: [.macOS(.v14), .iOS(.v17)],
    products: [
        .library(name: "BONNRuntime", targets: ["BONNRuntime"]),
        .library(name: "BONNModelFormat", targets: ["BONNModelFormat"]),
        .library(name: "BONNImage", targets: ["BONNImage"]),
        // The kernels without the runtime, for those who train with them; its C interface is not stable.
        .library(name: "CBONNKernels", targets: ["CBONNKernels"]),
    ],
    dependencies: [],
    targets: [
        .target(name: "CBONNKernels", exclude: ["README.md"]),
        .target(name: "CBONNDigest"),
        .target(name: "BONNModelFormat", dependencies: ["CBONNDigest"], swiftSettings: settings),
        .target(
            name: "BONNRuntime", dependencies: ["BONNModelFormat", "CBONNKernels"],
            swiftSettings: settings),
        .target(name: "BONNImage", dependencies: ["BONNModelFormat"], swiftSettings: settings),
        .target(
            name: "BONNTestSupport", dependencies: ["BONNModelFormat"],
            path: "Tests/BONNTestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "KernelTests", dependencies: ["CBONNKernels", "BONNRuntime", "BONNTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ModelFormatTests",
            dependencies: ["BONNModelFormat", "BONNTestSupport", "CBONNDigest"],
            exclude: ["Golden", "Python"],
            swiftSettings: settings),
        // Loads and runs a model while memory is refused; RuntimeTests starts it.
        .executableTarget(
            name: "AllocationProbe", dependencies: ["BONNRuntime", "BONNModelFormat"],
            path: "Tests/AllocationProbe", swiftSettings: settings),
        .testTarget(
            name: "RuntimeTests",
            dependencies: ["BONNRuntime", "BONNModelFormat", "BONNTestSupport", "AllocationProbe"],
            exclude: ["Faults"], swiftSettings: settings),
        .testTarget(
            name: "ImageTests", dependencies: ["BONNImage", "BONNModelFormat", "BONNTestSupport"],
            exclude: ["Golden"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)
