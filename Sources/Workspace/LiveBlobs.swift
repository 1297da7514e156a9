import GRDB
import Storage

/// The content that the catalog names, whichever room owns the table.
enum LiveBlobs {
  /// A column of the catalog that holds a blob's digest.
  struct Column: Sendable {
    let table: String
    let name: String
  }

  /// All columns named `…BlobDigest`, read from the schema.
  static func columns(_ db: Database) throws -> [Column] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT list.name AS tableName, info.name AS columnName
        FROM pragma_table_list AS list JOIN pragma_table_info(list.name) AS info
        WHERE list.schema = 'main' AND list.type = 'table' AND info.name GLOB '*BlobDigest'
        ORDER BY 1, 2
        """
    ).map { Column(table: try $0.value("tableName"), name: try $0.value("columnName")) }
  }

  /// Every digest that one of these columns holds.
  static func digests(_ db: Database) throws -> Set<Digest> {
    try columns(db).reduce(into: []) { live, column in
      live.formUnion(
        try Digest.fetchSet(
          db,
          sql: """
            SELECT DISTINCT \(column.name.quotedDatabaseIdentifier)
            FROM \(column.table.quotedDatabaseIdentifier)
            WHERE \(column.name.quotedDatabaseIdentifier) IS NOT NULL
            """))
    }
  }
}
