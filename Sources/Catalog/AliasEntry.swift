package import GRDB
package import Storage

/// One entry of an alias's log: from here on, this version held it.
package struct AliasEntry: Sendable, Equatable {
  /// The event's sequence, which orders everything.
  package let sequence: Int64
  /// The model.
  package let modelId: Int64
  /// The alias: `prod`.
  package let name: String
  /// The version that held from here on, which may be removed by now; nil: the alias was unset.
  package let number: Int64?
  /// Why.
  package let note: String?
  /// The entry that a rollback from here returns to; nil: none.
  package let rollbackSequence: Int64?
  /// What moved it: `alias.move`, `alias.rollback` or `alias.unset`.
  package let kind: String
  /// When.
  package let time: Timestamp
  /// Who.
  package let actor: String

  private static let selection = """
    SELECT aliasEntry.*, event.kind, event.time, event.actor
    FROM aliasEntry JOIN event ON event.sequence = aliasEntry.sequence
    """

  private init(row: Row) throws(RegistryError) {
    sequence = try row.value("sequence")
    modelId = try row.value("modelId")
    name = try row.value("name")
    number = try row.value("number")
    note = try row.value("note")
    rollbackSequence = try row.value("rollbackSequence")
    kind = try row.value("kind")
    time = try row.value("time")
    actor = try row.value("actor")
  }

  /// The latest entry, whether set or unset; nil if the alias was never set.
  static func last(_ name: String, _ model: Model, _ db: Database) throws -> AliasEntry? {
    try model.findAliasEntry(name, back: 0, db)
  }

  static func get(_ sequence: Int64, _ db: Database) throws -> AliasEntry {
    let row = try Row.fetchOne(
      db, sql: selection + " WHERE aliasEntry.sequence = ?", arguments: [sequence])
    guard let row else {
      throw RegistryError(
        .corrupt, "the alias entry \(sequence) is missing", hint: "registry verify --full")
    }
    return try AliasEntry(row: row)
  }

  /// Appends the event and the entry and moves the alias, all in one transaction.
  static func append(
    _ kind: String, _ name: String, _ model: Model, to version: Version?,
    rollbackSequence: Int64?, note: String?, _ db: Database
  ) throws -> AliasEntry {
    let from = try model.findAlias(name, db).map { try Version.get(id: $0.versionId, db).number }
    let event = try Event.append(
      kind, "\(model.name)@\(name)",
      ["from": JSON(from), "to": JSON(version?.number), "note": JSON(note)], db)
    try db.execute(
      sql: """
        INSERT INTO aliasEntry (sequence, modelId, name, number, note, rollbackSequence)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [event.sequence, model.id, name, version?.number, note, rollbackSequence])
    if let version {
      try db.execute(
        sql: """
          INSERT INTO alias (modelId, name, versionId) VALUES (?, ?, ?)
          ON CONFLICT DO UPDATE SET versionId = excluded.versionId
          """,
        arguments: [model.id, name, version.id])
    } else {
      try db.execute(
        sql: "DELETE FROM alias WHERE modelId = ? AND name = ?", arguments: [model.id, name])
    }
    return try get(event.sequence, db)
  }
}

extension Model {
  /// An alias's log, oldest first; empty if it was never set.
  package func aliasLog(_ name: String, _ db: Database) throws -> [AliasEntry] {
    try AliasEntry.list(self, name, db)
  }

  /// The n-th entry before the latest one of an alias's log; nil if it is not so long.
  package func findAliasEntry(_ name: String, back: Int64, _ db: Database) throws -> AliasEntry? {
    try AliasEntry.find(self, name, back: back, db)
  }
}

extension AliasEntry {
  fileprivate static func list(
    _ model: Model, _ name: String, _ db: Database
  ) throws -> [AliasEntry] {
    try Row.fetchAll(
      db, sql: selection + " WHERE modelId = ? AND name = ? ORDER BY aliasEntry.sequence",
      arguments: [model.id, name]
    ).map { try AliasEntry(row: $0) }
  }

  fileprivate static func find(
    _ model: Model, _ name: String, back: Int64, _ db: Database
  ) throws -> AliasEntry? {
    try Row.fetchOne(
      db,
      sql: selection + """
         WHERE modelId = ? AND name = ? ORDER BY aliasEntry.sequence DESC LIMIT 1 OFFSET ?
        """,
      arguments: [model.id, name, max(0, back)]
    ).map { try AliasEntry(row: $0) }
  }
}
