import GRDB
import Storage

extension Verification {
  /// A plain id by which one room names a row of another, which SQLite does not check.
  private struct Reference {
    let table: String
    /// SQL that tells a person which row it is.
    let subject: String
    let column: String
    let target: String
    /// SQL for what the target is known by.
    var key = "id"
    /// SQL for which rows must have it: some may outlive what they name.
    var condition = "1"
  }

  private static let references = [
    Reference(
      table: "run", subject: "'run ' || lower(hex(uuid))", column: "outputVersionId",
      target: "version"),
    Reference(
      table: "run", subject: "'run ' || lower(hex(uuid))", column: "baseVersionId",
      target: "version", condition: "status IN ('RUNNING', 'SCHEDULED')"),
    Reference(table: "experiment", subject: "name", column: "modelId", target: "model"),
    Reference(table: "experiment", subject: "name", column: "baseVersionId", target: "version"),
    Reference(
      table: "version", subject: "'version row ' || id", column: "runId", target: "run",
      key: "lower(hex(uuid))"),
    Reference(
      table: "promotion", subject: "'promotion ' || id", column: "modelId", target: "model"),
  ]

  /// Rows that name a row of another room that is missing.
  static func referenceFaults(_ store: Store) throws -> [Fault] {
    try store.read { db in
      try references.flatMap { reference in
        try String.fetchAll(
          db,
          sql: """
            SELECT \(reference.subject) FROM \(reference.table)
            WHERE \(reference.column) IS NOT NULL AND \(reference.condition)
              AND \(reference.column) NOT IN (SELECT \(reference.key) FROM \(reference.target))
            """
        ).map { subject in
          Fault(
            kind: "catalog", subject: subject,
            message: "its \(reference.column) names a \(reference.target) that is missing")
        }
      }
    }
  }
}
