package import GRDB
package import Storage

/// A file that a run left and that is kept with it; its bytes are a blob of Weights.
package struct Artifact: Sendable, Equatable {
  /// Parts joined by `/`, none of them empty, `.` or `..`; a key, never joined to a folder.
  package let path: String
  /// The size of the file.
  package let sizeBytes: Int64
  /// The blob.
  package let digest: Digest

  /// Names a file's bytes.
  package init(path: String, sizeBytes: Int64, digest: Digest) {
    self.path = path
    self.sizeBytes = sizeBytes
    self.digest = digest
  }
}

extension Run {
  /// Keeps a file with the run, in place of one with the same path.
  ///
  /// - Parameters:
  ///   - artifact: The file; its blob is stored and held by `Store.withContent`.
  ///   - db: An open write transaction of the catalog.
  /// - Throws: `invalidInput` for a path that is no key; `refused` for a deleted run.
  package func putArtifact(_ artifact: Artifact, _ db: Database) throws {
    try checkActive(db)
    try Artifact.check(path: artifact.path)
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO runArtifact (runId, path, sizeBytes, contentBlobDigest)
        VALUES (?, ?, ?, ?)
        """
    ).execute(arguments: [row, artifact.path, artifact.sizeBytes, artifact.digest])
  }

  /// The first run with which a file with exactly these bytes is kept; nil if there is none.
  package static func find(artifact digest: Digest, _ db: Database) throws -> Run? {
    try Row.fetchOne(
      db,
      sql: """
        SELECT * FROM run WHERE id IN (SELECT runId FROM runArtifact WHERE contentBlobDigest = ?)
        ORDER BY id LIMIT 1
        """,
      arguments: [digest]
    ).map(Run.init(row:))
  }

  /// The files kept with the run, by path.
  package func artifacts(_ db: Database) throws -> [Artifact] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT path, sizeBytes, contentBlobDigest FROM runArtifact WHERE runId = ? ORDER BY path
        """,
      arguments: [row]
    ).map { row in
      Artifact(path: row["path"], sizeBytes: row["sizeBytes"], digest: row["contentBlobDigest"])
    }
  }
}

extension Artifact {
  /// Digests of files kept with runs that start with these hex digits, in order.
  ///
  /// - Parameters:
  ///   - digits: 1 to 64 lower-case hex digits.
  ///   - limit: At most so many.
  ///   - db: An open read of the catalog.
  /// - Returns: The digests; none for other texts.
  /// - Throws: SQLite's errors.
  package static func digests(
    startingWith digits: String, limit: Int, _ db: Database
  ) throws -> [Digest] {
    guard let (low, high) = Digest.range(startingWith: digits) else { return [] }
    return try Digest.fetchAll(
      db,
      sql: """
        SELECT DISTINCT contentBlobDigest FROM runArtifact
        WHERE contentBlobDigest BETWEEN ? AND ? ORDER BY contentBlobDigest LIMIT ?
        """,
      arguments: [low, high, limit])
  }

  fileprivate static func check(path: String) throws(RegistryError) {
    let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isKey = parts.allSatisfy { part in
      !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        && !part.contains { $0 < 32 || $0 == 127 }
    }
    guard isKey, path.utf8.count <= 4096 else {
      throw RegistryError(.invalidInput, "'\(path)' is not the path of an artifact")
    }
  }
}
