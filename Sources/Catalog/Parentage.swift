package import GRDB
import Storage

/// An edge of the lineage: a child version, its parent version and what was done.
package struct Parentage: Sendable, Equatable {
  /// The version that was made.
  package let childVersionId: Int64
  /// 1 for the first parent, 2 for the second.
  package let position: Int64
  /// The version that it was made from.
  package let parentVersionId: Int64
  /// What was done.
  package let relation: Relation

  /// How a child came from its parent.
  package enum Relation: String, Sendable, CaseIterable, DatabaseValueConvertible {
    case fork, finetune, adapter, quantize, merge, distill
  }

  init(row: Row) {
    childVersionId = row["childVersionId"]
    position = row["position"]
    parentVersionId = row["parentVersionId"]
    relation = row["relation"]
  }
}

extension Version {
  /// The edges to this version's parents, the first parent first.
  package func parents(_ db: Database) throws -> [Parentage] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT * FROM parentage WHERE childVersionId = ? ORDER BY position"),
      arguments: [id]
    ).map(Parentage.init(row:))
  }

  /// The edges to this version's children, in order of their creation.
  package func children(_ db: Database) throws -> [Parentage] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT * FROM parentage WHERE parentVersionId = ? ORDER BY childVersionId"),
      arguments: [id]
    ).map(Parentage.init(row:))
  }
}
