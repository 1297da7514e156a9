package import GRDB
package import Storage

/// A movable name on a version of its model.
package struct Alias: Sendable, Equatable {
  /// The model.
  package let modelId: Int64
  /// The name: `prod`.
  package let name: String
  /// The holder.
  package let versionId: Int64

  /// What a move expects of the alias, so that nothing is overwritten that was not seen.
  package enum Expected: Sendable, Equatable {
    /// Whatever it is.
    case anything
    /// This version holds it; nil: none does.
    case version(Int64?)
  }

  init(row: Row) throws(RegistryError) {
    modelId = try row.value("modelId")
    name = try row.value("name")
    versionId = try row.value("versionId")
  }

  /// Refuses what is no alias: other than 1 to 255 of letters, digits, `_`, `-`, and words with a meaning of their own.
  ///
  /// - Parameter name: The alias, as MLflow takes it.
  /// - Throws: `invalidInput`.
  package static func checkName(_ name: String) throws(RegistryError) {
    let bytes = name.utf8
    guard (1...255).contains(bytes.count), name.unicodeScalars.allSatisfy(isPlain) else {
      throw RegistryError(
        .invalidInput, "'\(String(name.prefix(80)))' cannot be an alias",
        hint: "use 1 to 255 letters, digits, '_' and '-'")
    }
    let lowercased = name.lowercased()
    let isNumber =
      lowercased.utf8.count > 1 && lowercased.utf8.first == 118
      && lowercased.utf8.dropFirst().allSatisfy { (48...57).contains($0) }
    guard !isNumber, lowercased != "latest" else {
      throw RegistryError(
        .invalidInput, "'\(name)' is reserved and cannot be an alias", hint: "choose another name")
    }
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || scalar == "-" || scalar.properties.isAlphabetic
      || scalar.properties.generalCategory == .decimalNumber
  }
}

extension Model {
  /// The alias with this name; nil if it is not set.
  package func findAlias(_ name: String, _ db: Database) throws -> Alias? {
    try Row.fetchOne(
      db.cachedStatement(sql: "SELECT * FROM alias WHERE modelId = ? AND name = ?"),
      arguments: [id, name]
    ).map { try Alias(row: $0) }
  }

  /// The alias with this name, which must be set.
  package func getAlias(_ name: String, _ db: Database) throws -> Alias {
    if let alias = try findAlias(name, db) { return alias }
    let wasSet = try !aliasLog(name, db).isEmpty
    throw RegistryError(
      .notFound, "\(self.name)@\(name) \(wasSet ? "was unset" : "does not exist")",
      hint: wasSet
        ? "registry alias log \(self.name)@\(name)" : "registry model show \(self.name)")
  }

  /// The aliases that are set, by name.
  package func aliases(_ db: Database) throws -> [Alias] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM alias WHERE modelId = ? ORDER BY name", arguments: [id]
    ).map { try Alias(row: $0) }
  }
}

extension Version {
  /// The names of the aliases that it holds, by name.
  package func aliases(_ db: Database) throws -> [String] {
    try String.fetchAll(
      db.cachedStatement(sql: "SELECT name FROM alias WHERE versionId = ? ORDER BY name"),
      arguments: [id])
  }
}
