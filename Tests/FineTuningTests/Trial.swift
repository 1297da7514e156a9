import Catalog
import Datasets
import FineTuning
import Foundation
import Runner
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

/// A store in which tests train on small tables.
struct Trial {
  let store: Store
  let folder: URL

  /// Runs a body with a fresh store that has a plain experiment `plain`.
  static func with(_ body: (Trial) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let store = try Store.open(try Store.create(in: folder).folder, .write)
      defer { try? store.close() }
      _ = try store.write { db in try Experiment.add("plain", db) }
      try body(Trial(store: store, folder: folder))
    }
  }

  /// Trains on a table; half of the rows are set aside unless the change says otherwise.
  @discardableResult
  func train(
    _ settings: [String: String] = [:], on table: FeatureTable = Trial.clouds(),
    of task: String = "plain", seed: Int64? = nil, hooks: FineTuning.Hooks = .init(),
    _ change: (inout FineTuning.Request) -> Void = { _ in }
  ) throws -> Runner.Outcome {
    var session = RunSession.Request(task: task)
    session.seed = seed
    var request = FineTuning.Request(session, rows: .table(table), validation: .holdOut(0.5))
    request.settings = settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    request.threads = 1
    change(&request)
    return try FineTuning.run(request, store, hooks)
  }

  /// Forks a base that a short training made, whose classes are `a`, `b` and `c`, into `task`.
  @discardableResult
  func addTask(
    metric: String? = "val/accuracy:max", base settings: [String: String] = [:]
  ) throws -> Version {
    let all = settings.merging(["hidden": "8,6", "epochs": "2"]) { $1 }
    let run = try #require(try train(all).run)
    let base = try RunSession.adopt(run.id, as: "base", store)
    return try fork(base, metric: metric)
  }

  /// Forks a version into a task.
  func fork(
    _ base: Version, as task: String = "task", metric: String? = "val/accuracy:max"
  ) throws -> Version {
    let metric = try metric.map { try PrimaryMetric($0) }
    return try store.write { db in try Fork.add(base, as: task, metric: metric, db).version }
  }

  /// Points around a centre for each class, in three dimensions.
  static func clouds(
    _ labels: [String] = ["a", "b", "c"], rows: Int = 60, spread: Float = 1, seed: UInt64 = 1
  ) -> FeatureTable {
    var generator = SeededGenerator(seed: seed)
    var features: [Float] = []
    var classes: [String] = []
    for row in 0..<rows {
      let index = row % labels.count
      classes.append(labels[index])
      for column in 0..<3 {
        let centre: Float = column == index % 3 ? 3 : 0
        features.append(centre + spread * Float.random(in: -1...1, using: &generator))
      }
    }
    return table(features, labels: classes)
  }

  static func table(_ features: [Float], labels: [String]) -> FeatureTable {
    let columns = ["x", "y", "z"]
    do {
      return try FeatureTable(
        name: "points", columns: columns, features: features, labels: labels)
    } catch {
      Issue.record(error)
      preconditionFailure("\(error)")
    }
  }
}

extension Trial {
  /// The values of a metric of a run, by step.
  func points(_ run: Run?, _ key: String) throws -> [Int64: Double] {
    let run = try #require(run)
    return try store.read { db in
      let cursor = try run.points(key, db)
      var points: [Int64: Double] = [:]
      while let point = try cursor.next() { points[point.step] = point.value }
      return points
    }
  }

  func parameters(_ run: Run?) throws -> [String: String] {
    let run = try #require(run)
    let pairs = try store.read { db in try run.parameters(db) }.map { ($0.key, $0.value) }
    return Dictionary(pairs, uniquingKeysWith: { $1 })
  }

  func tags(_ run: Run?) throws -> [String: String] {
    let run = try #require(run)
    let pairs = try store.read { db in try run.tags(db) }.map { ($0.key, $0.value) }
    return Dictionary(pairs, uniquingKeysWith: { $1 })
  }

  /// The tensors of a version's weights by name: type, shape and bytes.
  func tensors(_ version: Version?) throws -> [String: SafetensorsFixture.Entry] {
    let version = try #require(version)
    let files = try store.read { db in try version.files(db) }
    return try store.read(.weights) { db in
      var tensors: [String: SafetensorsFixture.Entry] = [:]
      for file in files {
        for tensor in try Tensor.list(of: file.digest, db) {
          var bytes: [UInt8] = []
          try tensor.forEachChunk(db) { bytes += $0 }
          var one = SafetensorsFixture()
          one.add(tensor.name, tensor.dtypeName, tensor.shape, bytes: bytes)
          tensors[tensor.name] = one.entries[0]
        }
      }
      return tensors
    }
  }

  /// `config.json` of a version.
  func config(_ version: Version?) throws -> JSON {
    let version = try #require(version)
    let files = try store.read { db in try version.files(db) }
    let file = try #require(files.first { $0.path == "config.json" })
    return try JSON.parse(try store.read(.weights) { db in try Blob.content(file.digest, db) })
  }

  /// A file of this text in the trial's folder.
  func file(_ name: String, _ text: String) throws -> URL {
    let file = folder.appending(path: name)
    try Data(text.utf8).write(to: file)
    return file
  }

  /// The digests of a version's files by path.
  func digests(_ version: Version?) throws -> [String: String] {
    let version = try #require(version)
    let files = try store.read { db in try version.files(db) }
    return Dictionary(files.map { ($0.path, $0.digest.hex) }, uniquingKeysWith: { $1 })
  }

  func content(_ digest: Digest?) throws -> String {
    let digest = try #require(digest)
    let bytes = try store.read(.weights) { db in try Blob.content(digest, db) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Adds a folder with this config and these weights as the base `made`.
  func addBase(_ config: JSON, _ weights: SafetensorsFixture) throws -> Version {
    let folder = self.folder.appending(path: "made")
    try weights.write(to: folder)
    try Data(config.text().utf8).write(to: folder.appending(path: "config.json"))
    return try VersionImport.addBase(folder, to: store).version
  }

  /// That nothing is left of what was refused: no run beside those that were there, no spool.
  func expectNothing(
    beside runs: Int = 0, at place: SourceLocation = #_sourceLocation
  ) throws {
    let count = try store.read { db in try Run.list(db).count }
    #expect(count == runs, sourceLocation: place)
    try expectNoSpool(at: place)
  }

  func expectNoSpool(at place: SourceLocation = #_sourceLocation) throws {
    let spool = store.folder.appending(path: "spool").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: spool)) ?? []
    #expect(names.isEmpty, sourceLocation: place)
  }
}

/// The error with which something is refused.
func refusal(
  at place: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> RegistryError {
  do {
    try body()
    Issue.record("nothing was refused", sourceLocation: place)
  } catch let error as RegistryError {
    return error
  } catch {
    Issue.record(error, sourceLocation: place)
  }
  return RegistryError(.corrupt, "")
}
