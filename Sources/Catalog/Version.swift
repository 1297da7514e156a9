package import GRDB
package import Storage

/// An immutable set of files under a model's name and a number.
package struct Version: Sendable, Equatable, Identifiable {
  /// Never reused; other rooms keep it as a plain number.
  package let id: Int64
  /// The model.
  package let modelId: Int64
  /// The model's name.
  package let modelName: String
  /// From 1 within the model; never reused.
  package let number: Int64
  /// When it was added.
  package let createdAt: Timestamp
  /// Where its files came from, for people: a path, a reference.
  package let source: String?
  /// The run that made it, 32 hex digits; nil for an import or a fork.
  package let runId: String?
  /// What people say of it.
  package let note: String?

  /// How it is referred to: `sections:3`.
  package var reference: String { "\(modelName):\(number)" }

  /// The version with this number of Catalog; nil if there is none or it is removed.
  package static func find(id: Int64, _ db: Database) throws -> Version? {
    try Row.fetchOne(
      db.cachedStatement(sql: selection + " WHERE version.id = ?"), arguments: [id]
    ).map(Version.init(row:))
  }

  /// The version with this number of Catalog, which must exist.
  package static func get(id: Int64, _ db: Database) throws -> Version {
    guard let version = try find(id: id, db) else {
      throw RegistryError(.notFound, "no version has the id \(id)", hint: "registry model ls")
    }
    return version
  }

  /// The version that this run made; nil if it made none.
  package static func find(runId: String, _ db: Database) throws -> Version? {
    try Row.fetchOne(
      db, sql: selection + " WHERE runId = ? ORDER BY version.id LIMIT 1", arguments: [runId]
    ).map(Version.init(row:))
  }

  /// Versions that have a file with exactly these bytes, in order of creation.
  package static func list(containing digest: Digest, _ db: Database) throws -> [Version] {
    try Row.fetchAll(
      db,
      sql: selection + """
         WHERE version.id IN (SELECT versionId FROM versionFile WHERE contentBlobDigest = ?)
        ORDER BY version.id
        """,
      arguments: [digest]
    ).map(Version.init(row:))
  }

  /// Versions that have exactly these files, in order of creation.
  package static func list(withFiles files: [VersionFile], _ db: Database) throws -> [Version] {
    guard let first = files.first else { return [] }
    let wanted = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return try list(containing: first.digest, db).filter { version in
      let found = try version.files(db)
      return found.count == wanted.count
        && zip(found, wanted).allSatisfy {
          $0.digest == $1.digest && $0.path.utf8.elementsEqual($1.path.utf8)
        }
    }
  }

  /// Digests of files of versions that start with these hex digits, in order.
  ///
  /// - Parameters:
  ///   - digits: 1 to 64 lower-case hex digits.
  ///   - limit: At most so many.
  ///   - db: An open read of the catalog.
  /// - Returns: The digests; none for other texts.
  /// - Throws: SQLite's errors.
  package static func fileDigests(
    startingWith digits: String, limit: Int, _ db: Database
  ) throws -> [Digest] {
    guard let (low, high) = Digest.range(startingWith: digits) else { return [] }
    return try Digest.fetchAll(
      db,
      sql: """
        SELECT DISTINCT contentBlobDigest FROM versionFile
        WHERE contentBlobDigest BETWEEN ? AND ? ORDER BY contentBlobDigest LIMIT ?
        """,
      arguments: [low, high, limit])
  }

  /// All versions of all models, in order of creation.
  package static func list(_ db: Database) throws -> [Version] {
    try Row.fetchAll(db, sql: selection + " ORDER BY version.id").map(Version.init(row:))
  }

  /// The files, in byte order of their paths.
  package func files(_ db: Database) throws -> [VersionFile] {
    try Row.fetchAll(
      db.cachedStatement(sql: "SELECT * FROM versionFile WHERE versionId = ? ORDER BY path"),
      arguments: [id]
    ).map(VersionFile.init(row:))
  }

  /// The file with exactly this path, which must exist.
  package func file(_ path: String, _ db: Database) throws -> VersionFile {
    let row = try Row.fetchOne(
      db, sql: "SELECT * FROM versionFile WHERE versionId = ? AND path = ?", arguments: [id, path])
    guard let row else {
      throw RegistryError(
        .notFound, "\(reference) has no file '\(path)'", hint: "registry version show \(reference)")
    }
    return VersionFile(row: row)
  }

  static let selection =
    "SELECT version.*, model.name AS modelName FROM version JOIN model ON model.id = modelId"

  init(row: Row) {
    id = row["id"]
    modelId = row["modelId"]
    modelName = row["modelName"]
    number = row["number"]
    createdAt = row["createdAt"]
    source = row["source"]
    runId = row["runId"]
    note = row["note"]
  }
}

extension Model {
  /// The versions that are not removed, by number.
  package func versions(_ db: Database) throws -> [Version] {
    try Row.fetchAll(
      db, sql: Version.selection + " WHERE modelId = ? ORDER BY number", arguments: [id]
    ).map(Version.init(row:))
  }

  /// The version with this number; nil if there is none or it is removed.
  package func findVersion(_ number: Int64, _ db: Database) throws -> Version? {
    try Row.fetchOne(
      db.cachedStatement(sql: Version.selection + " WHERE modelId = ? AND number = ?"),
      arguments: [id, number]
    ).map(Version.init(row:))
  }

  /// The version with this number, which must exist.
  package func getVersion(_ number: Int64, _ db: Database) throws -> Version {
    if let version = try findVersion(number, db) { return version }
    let wasHere = number > 0 && number < nextVersion
    throw RegistryError(
      .notFound, "\(name):\(number) \(wasHere ? "was removed" : "does not exist")",
      hint: "registry model show \(name)")
  }

  /// The version with the greatest number; nil if the model has none.
  package func findNewestVersion(_ db: Database) throws -> Version? {
    try Row.fetchOne(
      db.cachedStatement(
        sql: Version.selection + " WHERE modelId = ? ORDER BY number DESC LIMIT 1"),
      arguments: [id]
    ).map(Version.init(row:))
  }
}
