// swift-tools-version: 6.2
// What reads image files and runs models from the command line. No LibTorch.
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "Tools",
    platforms: [.macOS(.v14)],
    products: [
        .library(name: "BONNFiles", targets: ["BONNFiles"]),
        .library(name: "BONNImageIO", targets: ["BONNImageIO"]),
        .library(name: "BONNTerminal", targets: ["BONNTerminal"]),
        .library(name: "BONNConfiguration", targets: ["BONNConfiguration"]),
        .library(name: "BONNData", targets: ["BONNData"]),
        .library(name: "BONNDownload", targets: ["BONNDownload"]),
        .library(name: "BONNNetworks", targets: ["BONNNetworks"]),
        .library(name: "BONNInterop", targets: ["BONNInterop"]),
        .executable(name: "bonn-run", targets: ["bonn-run"]),
    ],
    dependencies: [
        .package(name: "swift-bonn", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
        .systemLibrary(
            name: "CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"]), .brew(["giflib"])]),
        .systemLibrary(
            name: "CWebP", pkgConfig: "libwebpdemux",
            providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
        // Plain files read, and all of a buffer written; nothing but the C library.
        .target(name: "BONNFiles", swiftSettings: settings),
        .target(name: "CImageCodecs", dependencies: ["CJPEG", "CPNG", "CGIF", "CWebP"]),
        .target(
            name: "BONNImageIO",
            dependencies: [
                "BONNFiles", "CImageCodecs",
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ],
            swiftSettings: settings),
        .target(
            name: "BONNData",
            dependencies: [
                "BONNFiles", "BONNImageIO", .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], swiftSettings: settings),
        // Apart from BONNData, so that bonn-run needs no network library.
        .target(
            name: "BONNDownload",
            dependencies: [
                "BONNData", "BONNFiles",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: settings),
        // What both command lines write with; no image and no network in it.
        .target(
            name: "BONNTerminal",
            dependencies: [
                "BONNFiles", .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: settings),
        // Keys of what can be configured, and recipes in YAML.
        .target(
            name: "BONNConfiguration",
            dependencies: ["Yams", .product(name: "BONNModelFormat", package: "swift-bonn")],
            swiftSettings: settings),
        // Networks as data, and the way from there to a model file.
        .target(
            name: "BONNNetworks",
            dependencies: [
                "BONNConfiguration", .product(name: "BONNModelFormat", package: "swift-bonn"),
            ],
            swiftSettings: settings),
        // Files of other tools, in and out.
        .target(
            name: "BONNInterop",
            dependencies: [
                "BONNConfiguration", "BONNFiles", "BONNNetworks",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ],
            // The C kernels that go with an exported network.
            resources: [
                .embedInCode("C/bonn_arithmetic.h"), .embedInCode("C/bonn_elements.h"),
                .embedInCode("C/bonn_layers.h"),
            ],
            swiftSettings: settings),
        .target(name: "CProcessorClock"),
        .executableTarget(
            name: "bonn-run",
            dependencies: [
                "BONNConfiguration", "BONNData", "BONNImageIO", "BONNInterop", "BONNNetworks",
                "BONNTerminal", "CProcessorClock",
                .product(name: "BONNRuntime", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: settings),
        .testTarget(
            name: "BONNImageIOTests",
            dependencies: [
                "BONNImageIO", .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], exclude: ["Pillow"], swiftSettings: settings),
        .testTarget(
            name: "BONNDataTests",
            dependencies: [
                "BONNData", "BONNDownload", "BONNImageIO",
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: settings),
        .testTarget(
            name: "BONNConfigurationTests", dependencies: ["BONNConfiguration"],
            swiftSettings: settings),
        .testTarget(
            name: "BONNNetworksTests",
            dependencies: [
                "BONNNetworks", "BONNData",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
        .target(
            name: "BONNTestSupport",
            dependencies: [.product(name: "BONNModelFormat", package: "swift-bonn")],
            path: "Tests/BONNTestSupport", swiftSettings: settings),
        .testTarget(
            name: "BONNInteropTests",
            dependencies: [
                "BONNTestSupport", "BONNConfiguration", "BONNInterop", "BONNNetworks", "BONNData",
                "BONNImageIO",
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ],
            exclude: [
                "Import/published.py", "ONNX/In/networks.py", "ONNX/Out/check.py",
                "OpenVINO/check.py",
            ], swiftSettings: settings),
        .testTarget(
            name: "BONNTerminalTests",
            dependencies: [
                "BONNFiles", "BONNTerminal",
                .product(name: "BONNModelFormat", package: "swift-bonn"),
            ], swiftSettings: settings),
        .testTarget(
            name: "BonnRunTests",
            dependencies: [
                "bonn-run", "BONNData", "BONNImageIO", "BONNInterop",
                .product(name: "BONNImage", package: "swift-bonn"),
                .product(name: "BONNModelFormat", package: "swift-bonn"),
                .product(name: "BONNRuntime", package: "swift-bonn"),
            ], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
