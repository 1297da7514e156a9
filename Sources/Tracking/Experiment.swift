// The room of what is measured: experiments group runs; a run has parameters, tags, checks and
// series of points. Points are kept in compressed blocks with summaries beside them, so that lists
// and filters read one row a series and never decode a block. Verbs take an open `Database` of the
// catalog.

package import GRDB
package import Storage

/// A group of runs; one with a model is that model's task.
package struct Experiment: Sendable, Equatable, Identifiable {
  /// From 1, never reused; 0 is left to MLflow's "Default".
  package let id: Int64
  /// Unique among all experiments, deleted ones included.
  package let name: String
  /// Whether it is deleted.
  package let lifecycle: Lifecycle
  /// When it was made.
  package let createdAt: Timestamp
  /// What its runs are for; nil for plain tracking.
  package let task: Task?

  /// Which end of a metric is better.
  package enum Direction: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case max, min

    /// Whether the first value is better than the second; NaN never is, anything is better than NaN.
    package func isBetter(_ value: Double, than other: Double) -> Bool {
      if value.isNaN || other.isNaN { return other.isNaN && !value.isNaN }
      return self == .max ? value > other : value < other
    }
  }

  /// What makes an experiment a task.
  package struct Task: Sendable, Equatable {
    /// `text-classification`; `other` where it was not said.
    package let type: String
    /// The primary metric, `val/f1`; nil where none was named.
    package let metric: String?
    /// Which end of the metric is better; nil exactly when there is no metric.
    package let direction: Direction?
    /// The task's model, a row of Catalog.
    package let modelId: Int64
    /// The version that runs start from, a row of Catalog.
    package let baseVersionId: Int64?

    /// Makes a task of a model.
    package init(
      type: String, metric: String?, direction: Direction?, modelId: Int64, baseVersionId: Int64?
    ) {
      self.type = type
      self.metric = metric
      self.direction = direction
      self.modelId = modelId
      self.baseVersionId = baseVersionId
    }
  }

  /// Adds an experiment, for a task or for plain tracking.
  ///
  /// - Parameters:
  ///   - name: A stored name that no experiment has.
  ///   - task: What it is for; nil for plain tracking.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The experiment.
  /// - Throws: `conflict` when the name is taken; `invalidInput` for a name that no store may hold.
  package static func add(_ name: String, task: Task? = nil, _ db: Database) throws -> Experiment {
    try Name.check(name, noun: "experiment")
    if let other = try find(name, db) {
      throw RegistryError(
        .conflict,
        "an experiment named '\(name)' already exists"
          + (other.lifecycle == .deleted ? " and is deleted" : ""))
    }
    try db.execute(
      sql: """
        INSERT INTO experiment
          (name, lifecycleStage, createdAt, taskType, metric, direction, modelId, baseVersionId)
        VALUES (?, 'active', ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        name, Timestamp.now, task?.type, task?.metric, task?.direction, task?.modelId,
        task?.baseVersionId,
      ])
    let id = db.lastInsertedRowID  // before the event, whose row is inserted last
    try Event.append(
      "experiment.add", name,
      [
        "type": JSON(task?.type), "metric": JSON(task?.metric),
        "direction": JSON(task?.direction?.rawValue),
      ], db)
    return try get(id: id, db)
  }

  /// The experiment with this name; nil if there is none.
  package static func find(_ name: String, _ db: Database) throws -> Experiment? {
    try Row.fetchOne(db, sql: "SELECT * FROM experiment WHERE name = ?", arguments: [name])
      .map { try Experiment(row: $0) }
  }

  /// The experiment that is this model's task; nil if there is none.
  package static func find(modelId: Int64, _ db: Database) throws -> Experiment? {
    try Row.fetchOne(db, sql: "SELECT * FROM experiment WHERE modelId = ?", arguments: [modelId])
      .map { try Experiment(row: $0) }
  }

  /// The experiment with this name, which must exist and not be deleted.
  package static func get(_ name: String, _ db: Database) throws -> Experiment {
    guard let found = try find(name, db), found.lifecycle == .active else {
      throw RegistryError(
        .notFound, "no experiment named '\(name)'", hint: "registry experiment ls")
    }
    return found
  }

  /// The experiment with this number, which must exist.
  package static func get(id: Int64, _ db: Database) throws -> Experiment {
    let row = try Row.fetchOne(db, sql: "SELECT * FROM experiment WHERE id = ?", arguments: [id])
    guard let row else {
      throw RegistryError(
        .notFound, "no experiment has the id \(id)", hint: "registry experiment ls")
    }
    return try Experiment(row: row)
  }

  /// All experiments in order of creation, deleted ones only on demand.
  package static func list(includingDeleted: Bool = false, _ db: Database) throws -> [Experiment] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM experiment \(includingDeleted ? "" : "WHERE lifecycleStage = 'active'")
        ORDER BY id
        """
    ).map { try Experiment(row: $0) }
  }

  /// Marks the experiment as deleted or brings it back; its runs and its name stay.
  package func set(_ lifecycle: Lifecycle, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE experiment SET lifecycleStage = ? WHERE id = ?", arguments: [lifecycle, id])
    let verb = lifecycle == .deleted ? "experiment.delete" : "experiment.restore"
    try Event.append(verb, name, [:], db)
  }

  private init(row: Row) throws(RegistryError) {
    id = try row.value("id")
    name = try row.value("name")
    lifecycle = try row.value("lifecycleStage")
    createdAt = try row.value("createdAt")
    let modelId: Int64? = try row.value("modelId")
    guard let modelId else {
      task = nil
      return
    }
    task = Task(
      type: try row.value("taskType") ?? "other", metric: try row.value("metric"),
      direction: try row.value("direction"), modelId: modelId,
      baseVersionId: try row.value("baseVersionId"))
  }
}

/// Whether an experiment or run is listed; MLflow's words.
package enum Lifecycle: String, Sendable, DatabaseValueConvertible {
  case active, deleted
}
