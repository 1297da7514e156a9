import Foundation
import Storage
import Testing

/// The built program in a folder of its own.
struct Binary {
  /// What a run of the program gave.
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  let folder: URL
  var environment: [String: String] = [:]

  /// The checkout that this file lies in.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// `REGISTRY_BINARY`, else what `swift build -c release` leaves.
  static let path =
    ProcessInfo.processInfo.environment["REGISTRY_BINARY"]
    ?? root.appending(path: ".build/release/registry").path

  /// Runs a body with the program in a fresh folder that is removed afterwards.
  static func inFreshFolder(_ body: (Binary) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "registry-command-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(Binary(folder: folder.resolvingSymlinksInPath()))
  }

  /// The same with a store in the folder.
  static func withStore(_ body: (Binary) throws -> Void) throws {
    try inFreshFolder { binary in
      try binary("init", "-q")
      try body(binary)
    }
  }

  /// Runs the program and returns its standard output; it must succeed.
  @discardableResult
  func callAsFunction(
    _ arguments: String..., at place: SourceLocation = #_sourceLocation
  ) throws -> String {
    let result = try run(arguments)
    #expect(
      result.status == 0, "\(arguments.joined(separator: " "))\n\(result.errors)",
      sourceLocation: place)
    return result.output
  }

  func run(_ arguments: [String], input: String = "") throws -> Result {
    try Self.run(
      Self.path, arguments, in: folder, environment: environment, input: input)
  }

  /// The ids of all runs, the latest first, removed ones last.
  func runIds() throws -> [String] {
    try [["run", "ls", "--json"], ["run", "ls", "--removed", "--json"]].flatMap { command in
      let runs = try JSON.parse(Array(try run(command).output.utf8))["runs"]?.array ?? []
      return runs.compactMap { $0["id"]?.string }
    }
  }

  /// Runs a line of shell; `registry` is the program.
  func shell(_ line: String) throws -> Result {
    let function = "registry() { '\(Self.path)' \"$@\"; }\n"
    return try Self.run(
      "/bin/sh", ["-c", function + line], in: folder, environment: environment, input: "")
  }

  static func run(
    _ path: String, _ arguments: [String], in folder: URL, environment: [String: String],
    input: String
  ) throws -> Result {
    let files = FileManager.default.temporaryDirectory
      .appending(path: "registry-io-\(UInt64.random(in: 0...UInt64.max))")
    try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: files) }
    func file(_ name: String) -> URL { files.appending(path: name) }
    try Data(input.utf8).write(to: file("in"))
    for name in ["out", "err"] { try Data().write(to: file(name)) }

    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    let inherited = ProcessInfo.processInfo.environment.filter {
      $0.key == "PATH" || $0.key == "HOME"
    }
    process.environment = inherited.merging(["TZ": "UTC", "LC_ALL": "C.UTF-8"]) { $1 }
      .merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: file("in"))
    process.standardOutput = try FileHandle(forWritingTo: file("out"))
    process.standardError = try FileHandle(forWritingTo: file("err"))
    try process.run()
    process.waitUntilExit()
    let status = process.terminationStatus
    return Result(
      status: process.terminationReason == .uncaughtSignal ? 128 + status : status,
      output: String(decoding: try Data(contentsOf: file("out")), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: file("err")), as: UTF8.self))
  }
}
