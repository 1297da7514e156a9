import Foundation
import Storage
import Support
import Testing

/// What must hold whatever happens to the processes: each suite takes the machine for itself.
@Suite(.serialized) struct TortureTests {}

/// What tests of a store under torture ask of it from outside.
struct Witness {
  /// The folder that contains the store.
  let folder: URL

  /// Makes a store with one model, `zoo:1`, and a task `job` forked from it.
  static func start(_ folder: URL) throws -> Witness {
    try Product.succeed("init", in: folder)
    let origin = try Checkpoint.write(to: folder.appending(path: "origin"), seed: 0)
    try Product.succeed("base", "add", origin.path, "--name", "zoo", in: folder)
    try Product.succeed("fork", "zoo:1", "job", "--metric", "loss:min", in: folder)
    return Witness(folder: folder)
  }

  /// Every version's reference.
  func versions(of model: String) throws -> [String] {
    let list = try Product.json("version", "ls", model, in: folder)["versions"]?.array ?? []
    return list.compactMap { $0["reference"]?.string }
  }

  /// A run's points of a metric, as value by step; a step that stands twice is a test's failure.
  func points(_ run: String, _ key: String) throws -> [Int64: Double] {
    let answer = try Product.json("run", "show", run, "--points", key, in: folder)
    let points = answer["points"]?.array ?? []
    return Dictionary(
      points.compactMap { point in
        guard let step = point["step"]?.integer, let value = point["value"]?.double else {
          return nil
        }
        return (step, value)
      },
      uniquingKeysWith: { _, _ in .nan })
  }

  /// Writes a version to a fresh folder and tells whether it is what the source has, byte for byte.
  func exportEquals(_ version: String, _ source: URL) throws -> Bool {
    let target = folder.appending(path: "export-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: target) }
    try Product.succeed("version", "export", version, target.path, in: folder)
    return try Checkpoint.equal(target, source)
  }

  /// Everything is read and checked, gc takes what is left over, and a second one finds nothing.
  func checkHealth(_ comment: Comment, at place: SourceLocation = #_sourceLocation) throws {
    for round in 1...2 {
      let verified = try Product.run("verify", "--full", in: folder)
      #expect(
        verified.status == 0, "\(comment) verify \(round): \(verified.text)\(verified.messages)",
        sourceLocation: place)
      guard round == 1 else { break }
      try Product.succeed("gc", in: folder)
    }
    let left = try Product.json("gc", "--dry-run", in: folder)
    #expect(left["gc"]?["freedBytes"]?.integer == 0, "\(comment) \(left)", sourceLocation: place)
    let strangers = try strangers
    #expect(strangers.isEmpty, "\(comment) \(strangers)", sourceLocation: place)
  }

  /// Files in the store's folder that no idle store has.
  var strangers: [String] {
    get throws {
      let usual: Set = [
        "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm", "weights.sqlite",
        "weights.sqlite-wal", "weights.sqlite-shm", "lock", "gc.lock", "gc.intent", "spool",
        "cache", ".gitignore",
      ]
      let store = folder.appending(path: ".registry")
      let names = try FileManager.default.contentsOfDirectory(atPath: store.path)
      let spooled = try? FileManager.default.contentsOfDirectory(
        atPath: store.appending(path: "spool").path)
      return names.filter { !usual.contains($0) } + (spooled ?? [])
    }
  }
}
