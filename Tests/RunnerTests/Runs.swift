import Catalog
import Foundation
import Runner
import Storage
import Support
import Tracking
import Weights
import Workspace

/// A store with one experiment, in which tests run commands.
final class Runs {
  let store: Store
  let folder: URL

  /// The binary under test, whose guard is used; the same build as the tests.
  static var binary: String {
    ProcessInfo.processInfo.environment["REGISTRY_BINARY"]
      ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "registry").path
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "registry-test-\([UInt8].random(count: 8).hex)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    store = try Store.open(try Store.create(in: folder).folder, .write)
    _ = try store.write { db in try Experiment.add("task", db) }
  }

  func close() {
    try? store.close()
    try? FileManager.default.removeItem(at: folder)
  }

  /// Runs a shell script as a run.
  func sh(
    _ script: String, _ change: (inout Runner.Request) -> Void = { _ in }
  ) async throws -> Runner.Outcome {
    try await run(["/bin/sh", "-c", script], change)
  }

  func run(
    _ command: [String], _ change: (inout Runner.Request) -> Void = { _ in }
  ) async throws -> Runner.Outcome {
    var request = Runner.Request(
      RunSession.Request(task: "task"), command: command.map { Array($0.utf8) })
    request.guardExecutable = Self.binary
    change(&request)
    return try await Runner.run(request, store)
  }

  /// The complete output that is stored with a run.
  func output(_ run: Run) throws -> String {
    let digest = try store.read { db in try RunSource.get(run, db).outputBlobDigest }
    guard let digest else { return "" }
    return String(decoding: try content(digest), as: UTF8.self)
  }

  func content(_ digest: Digest) throws -> [UInt8] {
    try store.read(.weights) { db in try Blob.content(digest, limit: 1 << 30, db) }
  }

  func points(_ run: Run, _ key: String) throws -> [Point] {
    try store.read { db in
      let cursor = try run.points(key, db)
      var points: [Point] = []
      while let point = try cursor.next() { points.append(point) }
      return points
    }
  }

  /// Whether a process with this number runs; one that only waits to be reaped does not.
  static func isAlive(_ text: String) -> Bool {
    guard let process = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)),
      kill(process, 0) == 0
    else { return false }
    let status = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
    return !String(decoding: status, as: UTF8.self).contains("State:\tZ")
  }

  /// Starts `registry run task -- sh -c SCRIPT` as a process of its own, with `HERE` as a folder.
  func start(_ script: String, name: String? = nil) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: Self.binary)
    let options = name.map { ["--name", $0] } ?? []
    process.arguments = ["run", "task"] + options + ["--", "/bin/sh", "-c", script]
    process.environment = ProcessInfo.processInfo.environment
      .merging(["REGISTRY_STORE": store.folder.path, "HERE": folder.path]) { $1 }
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Settles again and again until the guard has let go.
  func settle() throws -> Abandoned.Settled {
    for _ in 0..<3000 {
      if let settled = try Abandoned.settle(store).first { return settled }
      usleep(10_000)
    }
    throw RegistryError(.unavailable, "the guard does not let go")
  }

  /// A store with base `base:1` and its fork `sections:1`, a task.
  static func withTask() throws -> (runs: Runs, fork: Fork) {
    let runs = try Runs()
    var fixture = SafetensorsFixture()
    fixture.addNoise("bert.encoder.layer.0.weight", [4, 8], seed: 1)
    fixture.addNoise("bert.encoder.layer.1.weight", [4, 8], seed: 2)
    fixture.addNoise("classifier.weight", [2, 8], seed: 3)
    let folder = try fixture.write(to: runs.folder.appending(path: "base"))
    try Data("{}".utf8).write(to: folder.appending(path: "config.json"))
    _ = try VersionImport.addBase(folder, to: runs.store)
    let fork = try runs.store.write { db in
      try Fork.add(
        Reference("base").version(db), as: "sections", type: "other", metric: nil, db)
    }
    return (runs, fork)
  }
}
