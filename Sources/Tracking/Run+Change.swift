import Foundation
package import GRDB
package import Storage

extension Run {
  /// What a run is made with; everything but the experiment may be left out.
  package struct Start: Sendable {
    /// The experiment.
    package var experimentId: Int64
    /// Unique in the experiment unless `sharesName`; nil generates one.
    package var name: String?
    /// Whether another run may have the name, as MLflow allows.
    package var sharesName = false
    /// `running`, or `scheduled`.
    package var status: Status = .running
    /// When it started.
    package var startTime: Timestamp = .now
    /// Who started it; nil takes the login name.
    package var user: String?
    /// Where it runs; nil takes this machine's name.
    package var host: String?
    /// The seed it is given.
    package var seed: Int64?
    /// The version it starts from, a row of Catalog.
    package var baseVersionId: Int64?

    /// A run of this experiment.
    package init(experimentId: Int64) {
      self.experimentId = experimentId
    }
  }

  /// Adds a run.
  ///
  /// - Parameters:
  ///   - start: What it is made with.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The run.
  /// - Throws: `conflict` when the name is taken; `invalidInput` for a bad name; `notFound` or `refused` for the experiment.
  package static func add(_ start: Start, _ db: Database) throws -> Run {
    let experiment = try Experiment.get(id: start.experimentId, db)
    guard experiment.lifecycle == .active else {
      throw RegistryError(.refused, "experiment '\(experiment.name)' is deleted")
    }
    if let name = start.name { try checkName(name, start, db) }
    let name = try start.name ?? RunName.generate(experimentId: start.experimentId, db)
    let id = RunID.random()
    try db.cachedStatement(
      sql: """
        INSERT INTO run
          (uuid, experimentId, name, status, lifecycleStage, startTime, user, host, seed,
            baseVersionId)
        VALUES (?, ?, ?, ?, 'active', ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      id, start.experimentId, name, start.status, start.startTime, start.user ?? NSUserName(),
      start.host ?? ProcessInfo.processInfo.hostName, start.seed, start.baseVersionId,
    ])
    try Event.append("run.add", id.hex, ["name": .string(name)], db)
    return try get(id, db)
  }

  /// Ends a run, or corrects how it ended, and seals its series.
  ///
  /// - Parameters:
  ///   - status: A final status.
  ///   - reason: What the status does not say.
  ///   - endTime: When it ended.
  ///   - durationSeconds: By a monotonic clock; nil takes the difference of the times.
  ///   - usage: How the child ended and what it cost.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The run as it is now.
  /// - Throws: SQLite's errors.
  @discardableResult
  package func finish(
    _ status: Status, reason: Reason? = nil, endTime: Timestamp = .now,
    durationSeconds: Double? = nil, usage: Usage = Usage(), _ db: Database
  ) throws -> Run {
    let span = Double(endTime.milliseconds) - Double(startTime.milliseconds)
    try db.execute(
      sql: """
        UPDATE run SET status = ?, reason = ?, endTime = ?, durationSeconds = ?, exitStatus = ?,
          exitSignal = ?, wallSeconds = ?, cpuSeconds = ?, memoryPeakBytes = ?
        WHERE id = ?
        """,
      arguments: [
        status, reason, endTime, durationSeconds ?? max(0, span / 1000), usage.exitStatus,
        usage.exitSignal, usage.wallSeconds, usage.cpuSeconds, usage.memoryPeakBytes, row,
      ])
    try sealSeries(db)
    try Event.append(
      "run.finish", id.hex,
      ["status": .string(status.rawValue), "reason": JSON(reason?.rawValue)], db)
    return try Run.get(id, db)
  }

  /// Changes name, status or end time as a tracking client asks; a final status seals the series.
  ///
  /// - Parameters:
  ///   - name: The new name; nil keeps it.
  ///   - status: The new status; nil keeps it.
  ///   - endTime: The new end; nil keeps it, and a status that is not final takes it away.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The run as it is now.
  /// - Throws: `invalidInput` for a bad name.
  @discardableResult
  package func update(
    name: String? = nil, status: Status? = nil, endTime: Timestamp? = nil, _ db: Database
  ) throws -> Run {
    if let name {
      try RunName.check(name)
      try db.execute(sql: "UPDATE run SET name = ? WHERE id = ?", arguments: [name, row])
      try Event.append("run.rename", id.hex, ["name": .string(name)], db)
    }
    if let status, status.isFinal {
      let current = try Run.get(id, db)
      return try finish(
        status, reason: current.reason, endTime: endTime ?? current.endTime ?? .now,
        usage: current.usage, db)
    }
    if let status {
      try db.execute(
        sql: "UPDATE run SET status = ?, endTime = NULL, durationSeconds = NULL WHERE id = ?",
        arguments: [status, row])
      try Event.append("run.status", id.hex, ["status": .string(status.rawValue)], db)
    } else if let endTime {
      try db.execute(sql: "UPDATE run SET endTime = ? WHERE id = ?", arguments: [endTime, row])
    }
    return try Run.get(id, db)
  }

  /// Records the version that the run made; nil takes the record away.
  package func setOutputVersion(_ versionId: Int64?, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE run SET outputVersionId = ? WHERE id = ?", arguments: [versionId, row])
    try Event.append("run.output", id.hex, ["versionId": JSON(versionId)], db)
  }

  /// Records how far the spool is stored, in the transaction that stores what was read.
  package func setOffsets(metrics: Int64? = nil, output: Int64? = nil, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        UPDATE run SET metricsOffset = ifnull(?, metricsOffset),
          outputOffset = ifnull(?, outputOffset)
        WHERE id = ?
        """
    ).execute(arguments: [metrics, output, row])
  }

  /// Marks the run as deleted or brings it back; nothing it logged is lost.
  package func set(_ lifecycle: Lifecycle, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE run SET lifecycleStage = ? WHERE id = ?", arguments: [lifecycle, row])
    try Event.append(lifecycle == .deleted ? "run.delete" : "run.restore", id.hex, [:], db)
  }

  /// Refuses to write to a run that is deleted, also when it was deleted since it was read.
  func checkActive(_ db: Database) throws {
    let stage = try Lifecycle.fetchOne(
      db.cachedStatement(sql: "SELECT lifecycleStage FROM run WHERE id = ?"), arguments: [row])
    guard stage == .active else {
      throw RegistryError(
        .refused, "run \(id.short) is deleted", hint: "registry run restore \(id.short)")
    }
  }

  private static func checkName(_ name: String, _ start: Start, _ db: Database) throws {
    try RunName.check(name)
    guard !start.sharesName else { return }
    let isTaken = try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE name = ? AND experimentId = ?)",
      arguments: [name, start.experimentId])
    guard isTaken == false else {
      throw RegistryError(
        .conflict, "a run named '\(name)' already exists in this experiment",
        hint: "leave the name out and one is made")
    }
  }
}
