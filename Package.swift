// swift-tools-version: 6.2
import PackageDescription

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

// Links the Swift runtime into the one binary without compiling anything differently from the
// tests.
let staticRuntime: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-static-stdlib", "-use-ld=lld", "-Xlinker", "--strip-debug", "-Xlinker", "--gc-sections",
      "-Xlinker", "--no-warnings",  // of the runtime's own objects
      "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims", "-l_FoundationCollections",
      "-lstdc++",
    ], .when(platforms: [.linux]))
]

// Each room may import what it lists and everything below that (Tests/TidyTests holds the same
// table).
let rooms: [Target] = [
  .systemLibrary(
    name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib",
    providers: [.apt(["libz-dev"]), .brew(["zlib"])]),
  .target(name: "CSystem"),
  .target(name: "CKernels"),
  .target(name: "Schema", path: "schema", resources: [.embedInCode("migrations")]),
  .target(name: "Storage", dependencies: ["Schema", "CSystem", grdb, crypto]),
  .target(
    name: "Weights", dependencies: ["Storage", "CZlib", "CKernels"], exclude: ["Format.md"]),
  .target(
    name: "Tracking", dependencies: ["Storage", "CZlib"], exclude: ["BlockFormat.md"]),
  .target(name: "Datasets", dependencies: ["Weights"]),
  .target(name: "Catalog", dependencies: ["Weights"]),
  .target(name: "Workspace", dependencies: ["Tracking", "Datasets", "Catalog"]),
  .target(name: "Runner", dependencies: ["Workspace"]),
  .target(name: "Engine", dependencies: ["CKernels"]),
  .target(name: "FineTuning", dependencies: ["Engine", "Runner"]),
  .target(name: "Promotion", dependencies: ["Runner"]),
  .executableTarget(
    name: "RegistryCommand", dependencies: ["FineTuning", "Promotion", argumentParser],
    linkerSettings: staticRuntime),
]

let tests: [Target] = [
  .target(name: "Support", dependencies: ["Promotion"], path: "Tests/Support"),
  .testTarget(name: "StorageTests", dependencies: ["Support", grdb]),
  .testTarget(name: "WeightsTests", dependencies: ["Support"]),
  .testTarget(name: "TrackingTests", dependencies: ["Support"]),
  .testTarget(name: "DatasetsTests", dependencies: ["Support", "Datasets"]),
  .testTarget(name: "CatalogTests", dependencies: ["Support"]),
  .testTarget(name: "WorkspaceTests", dependencies: ["Support"]),
  .testTarget(name: "RunnerTests", dependencies: ["Support"]),
  .target(name: "CAllocations", path: "Tests/Allocations"),
  .testTarget(name: "EngineTests", dependencies: ["Support", "Engine", "CAllocations"]),
  .testTarget(name: "FineTuningTests", dependencies: ["Support", "FineTuning"]),
  .testTarget(name: "PromotionTests", dependencies: ["Support"]),
  .testTarget(name: "CommandTests", dependencies: ["Support"]),
  .testTarget(name: "TidyTests"),
  .executableTarget(
    name: "RegistryBenchmark", dependencies: ["Support", "Datasets", "Engine", grdb],
    path: "Tests/Benchmarks"),
]

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "registry",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "registry", targets: ["RegistryCommand"]),
    .executable(name: "registry-benchmark", targets: ["RegistryBenchmark"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
  ],
  targets: rooms + tests,
  swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
  target.swiftSettings = settings
}
