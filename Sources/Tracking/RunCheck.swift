package import GRDB
package import Storage

/// The outcome of a rule that watched a run, with its evidence.
package struct RunCheck: Sendable, Equatable {
  /// How a rule came out.
  package enum Outcome: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case ok, warn, fail
  }

  /// The rule: `frozen`, `metrics-line`.
  package let rule: String
  /// How it came out.
  package let outcome: Outcome
  /// The facts, an object.
  package let evidence: JSON

  /// Makes a check.
  package init(rule: String, _ outcome: Outcome, evidence: JSON) {
    self.rule = rule
    self.outcome = outcome
    self.evidence = evidence
  }
}

extension Run {
  /// Keeps the outcome of a rule with the run; a rule may have several.
  package func addCheck(_ check: RunCheck, _ db: Database) throws {
    try db.execute(
      sql: "INSERT INTO runCheck (runId, rule, outcome, evidence) VALUES (?, ?, ?, ?)",
      arguments: [row, check.rule, check.outcome, check.evidence.text(canonical: true)])
  }

  /// Keeps the outcome of a rule in place of those that it had.
  package func putCheck(_ check: RunCheck, _ db: Database) throws {
    try db.execute(
      sql: "DELETE FROM runCheck WHERE runId = ? AND rule = ?", arguments: [row, check.rule])
    try addCheck(check, db)
  }

  /// The run's checks in the order in which they were added.
  package func checks(_ db: Database) throws -> [RunCheck] {
    try Row.fetchAll(
      db, sql: "SELECT rule, outcome, evidence FROM runCheck WHERE runId = ? ORDER BY id",
      arguments: [row]
    ).map { row in
      RunCheck(
        rule: row["rule"], row["outcome"],
        evidence: try JSON.parse(Array((row["evidence"] as String).utf8)))
    }
  }
}
