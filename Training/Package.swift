// swift-tools-version: 6.2
// What trains and exports networks. LibTorch is found through LIBTORCH (a folder with include/ and
// lib/), or through the link Training/.libtorch that `make setup` leaves.
import Foundation
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let libTorch =
    ProcessInfo.processInfo.environment["LIBTORCH"].flatMap { $0.isEmpty ? nil : $0 }
    ?? Context.packageDirectory + "/.libtorch"

let includeTorch: [CXXSetting] = [
    .unsafeFlags([
        "-isystem", libTorch + "/include",
        "-isystem", libTorch + "/include/torch/csrc/api/include",
        // The element-wise loops of the fused operations must keep each rounding apart.
        "-O3", "-ffp-contract=off",
        // The header of the kernels is plain C: read as text.
        "-Xclang", "-fno-cxx-modules",
    ])
]

let linkTorch: [LinkerSetting] = [
    .unsafeFlags(["-L" + libTorch + "/lib", "-Xlinker", "-rpath", "-Xlinker", libTorch + "/lib"]),
    .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
]

let package = Package(
    name: "Training",
    platforms: [.macOS(.v14)],
    products: [.executable(name: "bonn", targets: ["bonn"])],
    dependencies: [
        .package(name: "swift-bonn", path: ".."),
        .package(name: "Tools", path: "../Tools"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .target(
            name: "CTorch",
            dependencies: [.product(name: "CBONNKernels", package: "swift-bonn")],
            cxxSettings: includeTorch, linkerSettings: linkTorch),
        .target(name: "Torch", dependencies: ["CTorch"], swiftSettings: settings),
        .target(
            name: "BONNMethods",
            dependencies: [
                "Torch", .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNNetworks", package: "Tools"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], swiftSettings: settings),
        .target(
            name: "BONNTrainer",
            dependencies: [
                "BONNMethods", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNFiles", package: "Tools"),
                .product(name: "BONNNetworks", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNImageIO", package: "Tools"),
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], swiftSettings: settings),
        .target(
            name: "BONNExport",
            dependencies: [
                .product(name: "BONNNetworks", package: "Tools"),
                "BONNMethods", "Torch",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
        // Recipes trained under one budget, and the table of what came of them.
        .target(
            name: "BONNCompare",
            dependencies: [
                "BONNExport", "BONNMethods", "BONNTrainer", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNNetworks", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNTerminal", package: "Tools"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
        .executableTarget(
            name: "bonn",
            dependencies: [
                .product(name: "BONNNetworks", package: "Tools"),
                "BONNCompare", "BONNMethods", "BONNTrainer", "BONNExport", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNDownload", package: "Tools"),
                .product(name: "BONNImageIO", package: "Tools"),
                .product(name: "BONNTerminal", package: "Tools"),
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: settings),
        .testTarget(
            name: "TorchTests", dependencies: ["Torch"], exclude: ["Golden"],
            swiftSettings: settings),
        .testTarget(
            name: "MethodTests",
            dependencies: [
                "BONNMethods", "BONNTrainer", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNNetworks", package: "Tools"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], exclude: ["Oracle"], swiftSettings: settings),
        // Saves files while calls of the system fail; TrainerTests starts it.
        .executableTarget(
            name: "SaveProbe",
            dependencies: [
                "BONNTrainer", "BONNMethods",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], path: "Tests/SaveProbe", swiftSettings: settings),
        .testTarget(
            name: "TrainerTests",
            dependencies: [
                .product(name: "BONNNetworks", package: "Tools"),
                "BONNTrainer", "BONNMethods", "Torch", "bonn", "SaveProbe",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], exclude: ["Earlier", "Faults", "Recorded"], swiftSettings: settings),
        .testTarget(
            name: "ExportTests",
            dependencies: [
                .product(name: "BONNNetworks", package: "Tools"),
                "BONNExport", "BONNMethods", "BONNTrainer", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
        .testTarget(
            name: "CompareTests",
            dependencies: [
                "BONNCompare", "BONNExport", "BONNMethods", "BONNTrainer", "Torch",
                .product(name: "BONNConfiguration", package: "Tools"),
                .product(name: "BONNData", package: "Tools"),
                .product(name: "BONNNetworks", package: "Tools"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
