import GRDB
import Storage

/// Keys of metrics, parameters and tags, each stored once.
enum KeyName {
  /// The key's number; nil if nothing was ever logged under it.
  static func find(_ name: String, _ db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT id FROM keyName WHERE name = ?"), arguments: [name])
  }

  /// The key's number, which is made where needed.
  static func put(_ name: String, noun: String, _ db: Database) throws -> Int64 {
    if let id = try find(name, db) { return id }
    try check(name, noun: noun)
    try db.cachedStatement(sql: "INSERT INTO keyName (name) VALUES (?)").execute(arguments: [name])
    return db.lastInsertedRowID
  }

  /// Refuses keys that no table could show: empty, over 255 bytes, or with control characters.
  static func check(_ name: String, noun: String) throws(RegistryError) {
    guard !name.utf8.isEmpty, name.utf8.count <= 255 else {
      throw RegistryError(
        .invalidInput, "the \(noun) key has \(name.utf8.count) bytes; it needs 1 to 255")
    }
    guard !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw RegistryError(.invalidInput, "the \(noun) key has a control character")
    }
  }
}
