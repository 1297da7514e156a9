package import GRDB
import Storage

/// A model as lists show it.
package struct ModelSummary: Sendable {
  /// The model.
  package let model: Model
  /// How many versions are there.
  package let versionCount: Int
  /// The newest version; nil if the model has none.
  package let newest: Version?
  /// The sizes of the newest version's files.
  package let sizeBytes: Int64
  /// The aliases with the numbers of their holders, by name.
  package let aliases: [(name: String, number: Int64)]
  /// Whether it has versions and none of them has a parent.
  package let isBase: Bool

  /// All models in order of creation.
  package static func list(_ db: Database) throws -> [ModelSummary] {
    try Model.list(db).map { try get($0, db) }
  }

  /// One model.
  package static func get(_ model: Model, _ db: Database) throws -> ModelSummary {
    let newest = try model.findNewestVersion(db)
    let counts = try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT count(*) AS versions, count(childVersionId) AS children
          FROM version LEFT JOIN parentage ON childVersionId = version.id AND position = 1
          WHERE modelId = ?
          """), arguments: [model.id])
    let versionCount: Int = counts?["versions"] ?? 0
    let childCount: Int = counts?["children"] ?? 0
    return ModelSummary(
      model: model, versionCount: versionCount, newest: newest,
      sizeBytes: try newest?.files(db).reduce(0) { $0 + $1.sizeBytes } ?? 0,
      aliases: try model.aliases(db).map {
        ($0.name, try Version.get(id: $0.versionId, db).number)
      },
      isBase: versionCount > 0 && childCount == 0)
  }
}
