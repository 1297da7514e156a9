import Catalog
import GRDB
import Storage
import Support
import Testing
import Tracking
import Weights
import Workspace

@Suite struct ComparisonTests {
  /// A task `sections` with the metric `f1`, and two runs of it named `one` and `two`.
  private func withRuns(_ body: (Store, [Run], Version) throws -> Void) throws {
    try withTemporaryStore { store in
      let (runs, start) = try store.write { db in
        let start = try Self.version("sections", [], db)
        let task = try Experiment.add(
          "sections",
          task: Experiment.Task(
            type: "other", metric: "f1", direction: .max, modelId: start.modelId,
            baseVersionId: start.id), db)
        let runs = try ["one", "two"].map { name in
          var facts = Run.Start(experimentId: task.id)
          facts.name = name
          facts.seed = 7
          facts.baseVersionId = start.id
          return try Run.add(facts, db)
        }
        try runs[0].logParameters(
          [Parameter("lr", "3e-5"), Parameter("epochs", "3"), Parameter("name", "a")], db)
        try runs[1].logParameters(
          [Parameter("lr", "1e-4"), Parameter("epochs", "3"), Parameter("warmup", "10")], db)
        try Self.log(["f1": 0.8, "loss": 0.5, "same": .nan], runs[0], db)
        try Self.log(["f1": 0.75, "loss": 0.6, "same": .nan], runs[1], db)
        return (runs, start)
      }
      try body(store, runs, start)
    }
  }

  private static func version(
    _ model: String, _ parents: [Version.Parent], run: Run? = nil, metrics: [VersionMetric] = [],
    _ db: Database
  ) throws -> Version {
    let content = Version.Content(
      files: [VersionFile(path: "w", digest: Digest(of: [1]), sizeBytes: 5)], parents: parents,
      metrics: metrics, runId: run?.id.hex)
    return try Version.add(content, to: try Model.find(model, db) ?? Model.add(model, db), db)
  }

  private static func log(_ metrics: [String: Double], _ run: Run, _ db: Database) throws {
    var points = PointBatch()
    for (key, value) in metrics {
      points.add(try points.key(key), step: 0, time: 1, value: 99)
      points.add(try points.key(key), step: 1, time: 2, value: value)
    }
    _ = try run.append(points, db)
  }

  private func compare(_ references: [String], _ store: Store) throws -> Workspace.Comparison {
    try store.read { db in try Workspace.Comparison.of(try references.map { try Reference($0) }, db)
    }
  }

  private func row(_ name: String, _ comparison: Workspace.Comparison) throws
    -> Workspace.Comparison.Row
  {
    try #require(comparison.rows.first { $0.name == name })
  }

  @Test func `only rows that differ are shown and the others are counted`() throws {
    try withRuns { store, _, _ in
      let comparison = try compare(["one", "two"], store)
      let shown = comparison.rows(in: .parameters).map(\.name)
      #expect(shown == ["lr", "name", "warmup"])
      let all = comparison.rows(in: .parameters, all: true).map(\.name)
      #expect(all == ["epochs", "lr", "name", "warmup", "seed"])
      #expect(comparison.rows(in: .metrics).map(\.name) == ["f1", "loss"])
      // epochs, seed, base and the metric that is NaN on both sides.
      #expect(comparison.hiddenCount == 4)
    }
  }

  @Test func `values are the latest by step, and a missing one is no number`() throws {
    try withRuns { store, _, _ in
      let comparison = try compare(["one", "two"], store)
      #expect(try row("f1", comparison).values == [.number(0.8), .number(0.75)])
      #expect(try row("warmup", comparison).values == [.missing, .text("10")])
      #expect(try row("name", comparison).values == [.text("a"), .missing])
    }
  }

  @Test func `the direction stands only at the task's metric`() throws {
    try withRuns { store, _, _ in
      let comparison = try compare(["one", "two"], store)
      #expect(try row("f1", comparison).direction == .max)
      #expect(try row("loss", comparison).direction == nil)
    }
  }

  @Test func `differences refer to the first column`() throws {
    try withRuns { store, _, _ in
      let comparison = try compare(["one", "two"], store)
      let f1 = try row("f1", comparison)
      #expect(f1.deltaToFirst(column: 0) == nil)
      #expect(f1.deltaToFirst(column: 1) == 0.75 - 0.8)
      #expect(f1.deltaToFirst(column: 2) == nil)
      #expect(try row("name", comparison).deltaToFirst(column: 1) == nil)
    }
  }

  @Test func `a version has its run's facts, and its parent's metric of the same task`() throws {
    try withRuns { store, runs, start in
      try store.write { db in
        let first = try Self.version(
          "sections", [Version.Parent(start.id, .finetune)], run: runs[0], db)
        _ = try Self.version(
          "sections", [Version.Parent(first.id, .finetune)], run: runs[1], db)
      }
      let comparison = try compare(["sections:2", "sections:3"], store)
      #expect(comparison.columns.map(\.run?.name) == ["one", "two"])
      #expect(comparison.columns.map(\.parent) == ["sections:1", "sections:2"])
      let f1 = try row("f1", comparison)
      #expect(f1.parentValues == [nil, 0.8])
      #expect(f1.deltaToParent(column: 0) == nil)
      #expect(f1.deltaToParent(column: 1) == 0.75 - 0.8)
      #expect(try row("size", comparison).values == [.integer(5), .integer(5)])
    }
  }

  @Test func `a parent's metric of another task is no reference`() throws {
    try withRuns { store, runs, _ in
      try store.write { db in
        let base = try Self.version(
          "tiny", [], metrics: [VersionMetric("f1", 0.1, source: "paper")], db)
        _ = try Self.version(
          "sections", [Version.Parent(base.id, .finetune)], run: runs[0], db)
      }
      let comparison = try compare(["sections:2", "tiny:1"], store)
      let f1 = try row("f1", comparison)
      #expect(f1.values == [.number(0.8), .number(0.1)])
      #expect(f1.parentValues == [nil, nil])
    }
  }

  @Test func `a single column shows everything`() throws {
    try withRuns { store, _, _ in
      let comparison = try compare(["one"], store)
      #expect(comparison.rows(in: .parameters).count == 4)
      #expect(comparison.hiddenCount == 0)
    }
  }

  @Test func `nothing to compare is invalid`() throws {
    try withTemporaryStore { store in
      let error = #expect(throws: RegistryError.self) { try compare([], store) }
      #expect(error?.kind == .invalidInput)
    }
  }
}
