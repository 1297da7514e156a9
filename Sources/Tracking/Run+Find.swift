import Foundation
package import GRDB
import Storage

extension Run {
  /// The run with this id; nil if there is none.
  package static func find(_ id: RunID, _ db: Database) throws -> Run? {
    try Row.fetchOne(
      db.cachedStatement(sql: "SELECT * FROM run WHERE uuid = ?"), arguments: [id]
    ).map { try Run(row: $0) }
  }

  /// The run with this id, which must exist; deleted runs too.
  package static func get(_ id: RunID, _ db: Database) throws -> Run {
    guard let run = try find(id, db) else {
      throw RegistryError(.notFound, "no run has the id \(id.hex)", hint: "registry run ls")
    }
    return run
  }

  /// The run that a person means by a name or by 4 or more digits of its id.
  ///
  /// - Parameters:
  ///   - reference: 32 hex digits, a prefix of 4 or more of them, or a name.
  ///   - experimentId: Where names are looked up; nil for the whole store.
  ///   - db: An open read of the catalog.
  /// - Returns: The run, which is not deleted unless all 32 digits were given.
  /// - Throws: `notFound`; `ambiguous` with the candidates.
  package static func resolve(
    _ reference: String, experimentId: Int64? = nil, _ db: Database
  ) throws -> Run {
    if let id = RunID(hex: reference.lowercased()), let run = try find(id, db) { return run }
    let found = try candidates(reference, experimentId, db)
    guard let first = found.first else {
      throw RegistryError(.notFound, "no run named '\(reference)'", hint: "registry run ls")
    }
    guard found.count == 1 else {
      let shown = found.prefix(5).map { "\($0.id.hex.prefix(12)) \($0.name)" }
      throw RegistryError(
        .ambiguous,
        "'\(reference)' means \(found.count == 6 ? "more than 5" : "\(found.count)") runs",
        hint: "one of: " + shown.joined(separator: ", "))
    }
    return first
  }

  /// Runs in order of creation, the latest first; deleted ones never.
  ///
  /// - Parameters:
  ///   - experimentId: Only this experiment's; nil for all.
  ///   - statuses: Only these; empty for all.
  ///   - limit: At most so many.
  ///   - db: An open read of the catalog.
  /// - Returns: The runs.
  /// - Throws: SQLite's errors.
  package static func list(
    experimentId: Int64? = nil, statuses: [Status] = [], limit: Int = .max, _ db: Database
  ) throws -> [Run] {
    var conditions = ["lifecycleStage = 'active'"]
    var arguments = StatementArguments()
    if let experimentId {
      conditions.append("experimentId = ?")
      arguments += [experimentId]
    }
    if !statuses.isEmpty {
      conditions.append("status IN (\(databaseQuestionMarks(count: statuses.count)))")
      arguments += StatementArguments(statuses)
    }
    arguments += [limit]
    return try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM run WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?
        """,
      arguments: arguments
    ).map { try Run(row: $0) }
  }

  /// The run that made a version of Catalog; nil if none did.
  package static func find(outputVersionId: Int64, _ db: Database) throws -> Run? {
    try Row.fetchOne(
      db, sql: "SELECT * FROM run WHERE outputVersionId = ? ORDER BY id LIMIT 1",
      arguments: [outputVersionId]
    ).map { try Run(row: $0) }
  }

  /// The finished run of an experiment whose latest value of a metric is best; nil if none has a number.
  ///
  /// - Parameters:
  ///   - experimentId: The experiment.
  ///   - metric: The key: `val/f1`.
  ///   - direction: Which end is better.
  ///   - db: An open read of the catalog.
  /// - Returns: The best run; of equals the one that was made last.
  /// - Throws: SQLite's errors.
  package static func best(
    experimentId: Int64, metric: String, _ direction: Experiment.Direction, _ db: Database
  ) throws -> Run? {
    try Row.fetchOne(
      db,
      sql: """
        SELECT run.* FROM series JOIN run ON run.id = series.runId
        WHERE series.keyNameId = (SELECT id FROM keyName WHERE name = ?)
          AND series.latestValue IS NOT NULL
          AND run.experimentId = ? AND run.lifecycleStage = 'active' AND run.status = 'FINISHED'
        ORDER BY series.latestValue \(direction == .max ? "DESC" : "ASC"), run.id DESC LIMIT 1
        """,
      arguments: [metric, experimentId]
    ).map { try Run(row: $0) }
  }

  /// The run of an experiment that was made last, or the n-th before it; nil if there are not so many.
  package static func last(
    experimentId: Int64, back: Int = 0, _ db: Database
  ) throws -> Run? {
    try Row.fetchOne(
      db,
      sql: """
        SELECT * FROM run WHERE experimentId = ? AND lifecycleStage = 'active'
        ORDER BY id DESC LIMIT 1 OFFSET ?
        """,
      arguments: [experimentId, max(0, back)]
    ).map { try Run(row: $0) }
  }

  /// At most six runs by name or prefix; one named so in full comes before any prefix.
  private static func candidates(
    _ reference: String, _ experimentId: Int64?, _ db: Database
  ) throws -> [Run] {
    let scope = "lifecycleStage = 'active' AND (?1 IS NULL OR experimentId = ?1)"
    let named = try Row.fetchAll(
      db, sql: "SELECT * FROM run WHERE name = ?2 AND \(scope) ORDER BY id DESC LIMIT 6",
      arguments: [experimentId, reference])
    guard named.isEmpty, let range = prefixRange(reference) else {
      return try named.map { try Run(row: $0) }
    }
    return try Row.fetchAll(
      db,
      sql: "SELECT * FROM run WHERE uuid BETWEEN ?2 AND ?3 AND \(scope) ORDER BY id DESC LIMIT 6",
      arguments: [experimentId, range.low, range.high]
    ).map { try Run(row: $0) }
  }

  /// The first and last id that start with 4–32 hex digits; nil for other text.
  private static func prefixRange(_ text: String) -> (low: RunID, high: RunID)? {
    let digits = text.lowercased()
    let count = digits.utf8.count
    guard (4...32).contains(count),
      let low = RunID(hex: digits + String(repeating: "0", count: 32 - count)),
      let high = RunID(hex: digits + String(repeating: "f", count: 32 - count))
    else { return nil }
    return (low, high)
  }
}
