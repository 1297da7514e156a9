package import GRDB
import Storage

/// What people and tools note on a run; may change at any time.
package struct Tag: Sendable, Equatable {
  /// The key: `owner`.
  package let key: String
  /// Any text.
  package let value: String

  /// Makes a tag.
  package init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

extension Run {
  /// Sets tags, in place of earlier values.
  ///
  /// - Parameters:
  ///   - tags: Keys and values.
  ///   - db: An open write transaction of the catalog.
  /// - Throws: `invalidInput` for a bad key; `refused` for a deleted run.
  package func setTags(_ tags: [Tag], _ db: Database) throws {
    try checkActive(db)
    let put = try db.cachedStatement(
      sql: "INSERT OR REPLACE INTO tag (runId, keyNameId, value) VALUES (?, ?, ?)")
    for tag in tags {
      let keyId = try KeyName.put(tag.key, noun: "tag", db)
      try put.execute(arguments: [row, keyId, tag.value])
    }
  }

  /// Takes a tag away.
  ///
  /// - Parameters:
  ///   - key: The tag's key.
  ///   - db: An open write transaction of the catalog.
  /// - Throws: `notFound` when the run has no such tag.
  package func deleteTag(_ key: String, _ db: Database) throws {
    try checkActive(db)
    try db.execute(
      sql: """
        DELETE FROM tag WHERE runId = ? AND keyNameId = (SELECT id FROM keyName WHERE name = ?)
        """,
      arguments: [row, key])
    guard db.changesCount > 0 else {
      throw RegistryError(
        .notFound, "run \(id.short) has no tag '\(key)'", hint: "registry run show \(id.short)")
    }
  }

  /// The run's tags, by key.
  package func tags(_ db: Database) throws -> [Tag] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT name, value FROM tag JOIN keyName ON keyName.id = keyNameId
        WHERE runId = ? ORDER BY name
        """,
      arguments: [row]
    ).map { Tag(try $0.value("name"), try $0.value("value")) }
  }
}
