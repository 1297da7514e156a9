import Catalog
import Foundation
import Promotion
import Storage
import Support
import Testing
import Tracking
import Weights

/// A store with a base, a task `sections` forked from it and its metric `f1`.
struct TaskFixture {
  let store: Store
  let base: Version
  /// The fork's version 1, which has the base's files.
  let start: Version
  let task: Experiment

  /// A small transformer: embeddings, two layers and a norm that is all ones, as trainers start it.
  static let baseWeights: SafetensorsFixture = {
    var weights = SafetensorsFixture()
    weights.addNoise("embeddings.weight", [40, 8], seed: 1)
    weights.addNoise("encoder.layer.0.weight", [8, 8], seed: 2)
    weights.add("encoder.layer.0.norm", [8], [Float](repeating: 1, count: 8))
    weights.addNoise("encoder.layer.1.weight", [8, 8], seed: 3)
    return weights
  }()

  /// Runs a body with a fresh store.
  static func with(
    _ direction: Experiment.Direction = .max, _ body: (TaskFixture) throws -> Void
  ) throws {
    try withTemporaryStore { store in
      let base = try add(to: store, "tiny", baseWeights)
      let start = try add(to: store, "sections", baseWeights, parents: [(base, .fork)])
      let task = try store.write { db in
        try Experiment.add(
          "sections",
          task: Experiment.Task(
            type: "text-classification", metric: "f1", direction: direction,
            modelId: start.modelId, baseVersionId: start.id), db)
      }
      try body(TaskFixture(store: store, base: base, start: start, task: task))
    }
  }

  /// Adds a version whose weights come from code.
  static func add(
    to store: Store, _ model: String, _ weights: SafetensorsFixture,
    parents: [(Version, Parentage.Relation)] = [], runId: RunID? = nil,
    metrics: [VersionMetric] = []
  ) throws -> Version {
    try add(
      to: store, model, files: [("model.safetensors", weights.file)], parents: parents,
      runId: runId, metrics: metrics)
  }

  /// Adds a version with these files.
  static func add(
    to store: Store, _ model: String, files: [(path: String, bytes: [UInt8])],
    parents: [(Version, Parentage.Relation)] = [], runId: RunID? = nil,
    metrics: [VersionMetric] = []
  ) throws -> Version {
    try store.withContent {
      let files = try withTemporaryFolder { folder in
        try files.map { path, bytes in
          let file = folder.appending(path: path.replacing("/", with: "-"))
          try Data(bytes).write(to: file)
          let blob = try Blob.add(file: file, to: store)
          return VersionFile(path: path, digest: blob.digest, sizeBytes: blob.sizeBytes)
        }
      }
      return try store.write { db in
        let content = Version.Content(
          files: files, parents: parents.map { Version.Parent($0.0.id, $0.1) },
          metrics: metrics, runId: runId?.hex)
        return try Version.add(
          content, to: try Model.find(model, db) ?? Model.add(model, db), db)
      }
    }
  }

  /// Adds a version of the task made by a run that started from version 1.
  func tuned(
    _ weights: SafetensorsFixture = TaskFixture.tune(baseWeights), f1 value: Double? = nil,
    freeze: [String] = [], in experiment: Experiment? = nil,
    beside others: [(path: String, bytes: [UInt8])] = []
  ) throws -> Version {
    let run = try store.write { db in
      var facts = Run.Start(experimentId: (experiment ?? task).id)
      facts.baseVersionId = start.id
      let run = try Run.add(facts, db)
      var source = RunSource()
      source.freeze = freeze
      try source.put(run, db)
      if let value {
        var points = PointBatch()
        let key = try points.key("f1")
        points.add(key, step: 1, time: 1, value: 0.5)
        points.add(key, step: 2, time: 2, value: value)
        _ = try run.append(points, db)
      }
      return run
    }
    return try Self.add(
      to: store, "sections", files: [("model.safetensors", weights.file)] + others,
      parents: [(start, .finetune)], runId: run.id)
  }

  /// What one gate says about a version.
  func judge(_ gate: Gate, _ version: Version) throws -> Gate.Result {
    let decision = try Promotion.promote(version, to: "judged", in: store)
    return try #require(decision.gates.first { $0.gate == gate })
  }

  /// The version that holds an alias; nil if none does.
  func holder(_ alias: String) throws -> Int64? {
    try store.read { db in
      try Model.get("sections", db).findAlias(alias, db)?.versionId
    }
  }

  /// Weights as training leaves them: every value a little off.
  static func tune(
    _ weights: SafetensorsFixture, noise: Float = 0.01, seed: UInt64 = 9
  ) -> SafetensorsFixture {
    var tuned = weights
    for index in tuned.entries.indices where tuned.entries[index].dtype == "F32" {
      let values = tuned.entries[index].floats
      let change = SafetensorsFixture.noise(values.count, seed: seed + UInt64(index))
      tuned.entries[index].floats = zip(values, change).map { $0 + noise * $1 }
    }
    return tuned
  }
}

extension SafetensorsFixture.Entry {
  /// The content as 32-bit floats.
  var floats: [Float] {
    get {
      stride(from: 0, to: bytes.count - 3, by: 4).map { start in
        Float(
          bitPattern: bytes[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
      }
    }
    set {
      bytes = newValue.flatMap { value in
        withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
      }
    }
  }
}

extension SafetensorsFixture {
  /// Changes the tensor with this name.
  func changing(_ name: String, _ body: (inout Entry) -> Void) -> SafetensorsFixture {
    var changed = self
    for index in changed.entries.indices where changed.entries[index].name == name {
      body(&changed.entries[index])
    }
    return changed
  }

  /// The tensors other than the one with this name.
  func removing(_ name: String) -> SafetensorsFixture {
    var changed = self
    changed.entries.removeAll { $0.name == name }
    return changed
  }
}
