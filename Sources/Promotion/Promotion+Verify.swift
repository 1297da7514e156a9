import Catalog
package import GRDB
import Storage
package import Workspace

extension Promotion {
  /// Holds every decision against its entry of the event log, which is chained by hashes.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: Decisions that are not what their event tells, and events whose decision is missing.
  /// - Throws: SQLite's errors.
  /// - Complexity: O(decisions).
  package static func faults(_ db: Database) throws -> [Verification.Fault] {
    var faults: [Verification.Fault] = []
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT promotion.*, event.kind AS eventKind, event.subject, event.detail,
          event.time AS eventTime
        FROM promotion LEFT JOIN event ON event.sequence = eventSequence ORDER BY promotion.id
        """)
    while let row = try rows.next() {
      guard let message = try fault(of: row, db) else { continue }
      let sequence: Int64 = row["eventSequence"]
      faults.append(
        Verification.Fault(
          kind: "promotion", subject: "the decision of event \(sequence)", message: message))
    }
    let alone = try Int64.fetchAll(
      db,
      sql: """
        SELECT sequence FROM event WHERE kind IN (?, ?, ?) AND 1 <>
          (SELECT count(*) FROM promotion WHERE eventSequence = event.sequence)
        ORDER BY sequence
        """, arguments: [EventKind.add, EventKind.refuse, EventKind.rollback])
    return faults
      + alone.map {
        Verification.Fault(
          kind: "promotion", subject: "event \($0)", message: "it has not one decision")
      }
  }

  /// What is wrong with a stored decision beside its event; nil when all is well.
  private static func fault(of row: Row, _ db: Database) throws -> String? {
    guard let decision = try? Promotion(row: row) else { return "its evidence is damaged" }
    let kind: String? = row["eventKind"]
    let subject: String? = row["subject"]
    let detail: String? = row["detail"]
    let time: Timestamp? = row["eventTime"]
    guard let kind, let subject, let detail, kind == decision.eventKind else {
      return "no event tells of it"
    }
    // A version that is removed has no reference any more but the one that the event kept.
    let told = try? JSON.parse(Array(detail.utf8))
    let version = try Version.find(id: decision.versionId, db)
    let previous = try decision.previousVersionId.flatMap { try Version.find(id: $0, db) }
    let lost = decision.previousVersionId == nil ? nil : told?["previous"]?.string
    let own = decision.told(
      version: version?.reference ?? subject, previous: previous?.reference ?? lost)
    guard own.text(canonical: true).utf8.elementsEqual(detail.utf8),
      version?.reference ?? subject == subject, decision.createdAt == time
    else { return "it is not what its event tells" }
    guard try version != nil || Model.get(id: decision.modelId, db).owns(subject) else {
      return "it is not what its event tells"
    }
    return nil
  }
}

extension Model {
  /// Whether a reference is one of a version of this model.
  fileprivate func owns(_ reference: String) -> Bool {
    reference.utf8.starts(with: "\(name):".utf8)
  }
}
