package import GRDB
import Storage

extension Version {
  /// Removes a version; its number is never used again and its bytes stay until gc.
  ///
  /// A run that started from it is looked at above, in Workspace.
  ///
  /// - Parameter db: An open write transaction of the catalog.
  /// - Throws: `refused` while a child or an alias names it; `notFound` when it is gone already.
  package func remove(_ db: Database) throws {
    guard try Version.find(id: id, db) != nil else {
      throw RegistryError(.notFound, "\(reference) was removed")
    }
    let children = try children(db).map { try Version.get(id: $0.childVersionId, db).reference }
    let aliases = try aliases(db).map { "\(modelName)@\($0)" }
    guard children.isEmpty, aliases.isEmpty else {
      let reasons = [("a parent of", children), ("named by", aliases)]
        .filter { !$0.1.isEmpty }.map { "\($0.0) \(Self.listed($0.1))" }
      throw RegistryError(
        .refused, "\(reference) is \(reasons.joined(separator: " and "))",
        hint: aliases.first.map { "registry alias rm \($0)" }
          ?? "registry lineage \(reference) --down")
    }
    let files = try files(db)
    try db.execute(sql: "DELETE FROM version WHERE id = ?", arguments: [id])
    try Event.append(
      "version.rm", reference,
      ["files": .object(files.map { JSON.Member($0.path, .string($0.digest.hex)) })], db)
  }

  /// The first five and how many more.
  private static func listed(_ references: [String]) -> String {
    let rest = references.count > 5 ? " and \(references.count - 5) more" : ""
    return references.prefix(5).joined(separator: ", ") + rest
  }
}
