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

  init(row: Row) throws(RegistryError) {
    childVersionId = try row.value("childVersionId")
    position = try row.value("position")
    parentVersionId = try row.value("parentVersionId")
    relation = try row.value("relation")
  }
}

extension Version {
  /// The edges to this version's parents, the first parent first.
  package func parents(_ db: Database) throws -> [Parentage] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT * FROM parentage WHERE childVersionId = ? ORDER BY position"),
      arguments: [id]
    ).map { try Parentage(row: $0) }
  }

  /// The edges to this version's children, in order of their creation.
  package func children(_ db: Database) throws -> [Parentage] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT * FROM parentage WHERE parentVersionId = ? ORDER BY childVersionId"),
      arguments: [id]
    ).map { try Parentage(row: $0) }
  }
}
