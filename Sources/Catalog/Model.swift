// The room of what is kept: models, their versions with files and parents, and the aliases that
// move between versions. A version's files are named by digest; their bytes are in Weights and must
// be there before the version is added. Nothing here is ever changed once added, but for aliases.
// Verbs take an open `Database` of the catalog.

package import GRDB
package import Storage

/// A name under which versions are kept.
package struct Model: Sendable, Equatable, Identifiable {
  /// Never reused; other rooms keep it as a plain number.
  package let id: Int64
  /// Unique, compared byte by byte.
  package let name: String
  /// The number that the next version takes; never goes back.
  package let nextVersion: Int64
  /// When it was made.
  package let createdAt: Timestamp
  /// What people say of it.
  package let note: String?

  /// Adds a model without versions.
  ///
  /// - Parameters:
  ///   - name: A stored name that no model has; the command line checks more (`Name.checkNew`).
  ///   - note: What people say of it.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The model.
  /// - Throws: `conflict` when the name is taken; `invalidInput` for a name that no store may hold.
  package static func add(_ name: String, note: String? = nil, _ db: Database) throws -> Model {
    try Name.check(name, noun: "model")
    guard try find(name, db) == nil else {
      throw RegistryError(
        .conflict, "a model named '\(name)' already exists",
        hint: "registry version add \(name) PATH")
    }
    try db.execute(
      sql: "INSERT INTO model (name, createdAt, note) VALUES (?, ?, ?)",
      arguments: [name, Timestamp.now, note])
    let id = db.lastInsertedRowID
    try Event.append("model.add", name, ["note": JSON(note)], db)
    return try get(id: id, db)
  }

  /// The model with this name; nil if there is none.
  package static func find(_ name: String, _ db: Database) throws -> Model? {
    try Row.fetchOne(
      db.cachedStatement(sql: "SELECT * FROM model WHERE name = ?"), arguments: [name]
    ).map(Model.init(row:))
  }

  /// The model with this name, which must exist.
  package static func get(_ name: String, _ db: Database) throws -> Model {
    guard let model = try find(name, db) else {
      throw RegistryError(.notFound, "no model named '\(name)'", hint: "registry model ls")
    }
    return model
  }

  /// The model with this number, which must exist.
  package static func get(id: Int64, _ db: Database) throws -> Model {
    let row = try Row.fetchOne(
      db.cachedStatement(sql: "SELECT * FROM model WHERE id = ?"), arguments: [id])
    guard let row else {
      throw RegistryError(.notFound, "no model has the id \(id)", hint: "registry model ls")
    }
    return Model(row: row)
  }

  /// All models in order of creation.
  package static func list(_ db: Database) throws -> [Model] {
    try Row.fetchAll(db, sql: "SELECT * FROM model ORDER BY id").map(Model.init(row:))
  }

  private init(row: Row) {
    id = row["id"]
    name = row["name"]
    nextVersion = row["nextVersion"]
    createdAt = row["createdAt"]
    note = row["note"]
  }
}
