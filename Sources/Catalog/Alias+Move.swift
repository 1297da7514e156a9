package import GRDB
import Storage

extension Alias {
  /// Puts an alias on a version, comparing and swapping; nothing happens when that version holds it.
  ///
  /// - Parameters:
  ///   - name: A new or a known alias of the version's model.
  ///   - version: The holder to be.
  ///   - expected: What the caller has seen.
  ///   - note: Why.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The entry of the log that the alias is at now.
  /// - Throws: `conflict` when the holder is not the expected one; `invalidInput` for a bad name.
  @discardableResult
  package static func put(
    _ name: String, on version: Version, expecting expected: Expected = .anything,
    note: String? = nil, _ db: Database
  ) throws -> AliasEntry {
    try checkName(name)
    let model = try Model.get(id: version.modelId, db)
    let version = try Version.get(id: version.id, db)
    let holder = try model.findAlias(name, db)?.versionId
    if case .version(let seen) = expected, seen != holder {
      throw try changed(name, model, holder, db)
    }
    let last = try AliasEntry.last(name, model, db)
    if let last, holder == version.id { return last }
    // What was unset in between is no version to go back to.
    let rollback = last.flatMap { $0.number == nil ? $0.rollbackSequence : $0.sequence }
    return try AliasEntry.append(
      "alias.move", name, model, to: version, rollbackSequence: rollback, note: note, db)
  }

  /// Moves an alias back to the version that held before the current holder was promoted.
  ///
  /// Repeated, it walks further back. Removed versions are passed over. After an unset, the last holder returns.
  ///
  /// - Parameters:
  ///   - name: The alias.
  ///   - model: Its model.
  ///   - note: Why.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The new entry of the log.
  /// - Throws: `refused` when no earlier holder is left; `notFound` for an alias that was never set.
  @discardableResult
  package static func rollback(
    _ name: String, of model: Model, note: String? = nil, _ db: Database
  ) throws -> AliasEntry {
    guard let last = try AliasEntry.last(name, model, db) else {
      throw RegistryError(
        .notFound, "\(model.name)@\(name) does not exist", hint: "registry model show \(model.name)"
      )
    }
    var next = last.rollbackSequence
    while let sequence = next {
      let entry = try AliasEntry.get(sequence, db)
      if let number = entry.number, number != last.number,
        let version = try model.findVersion(number, db)
      {
        return try AliasEntry.append(
          "alias.rollback", name, model, to: version, rollbackSequence: entry.rollbackSequence,
          note: note, db)
      }
      next = entry.rollbackSequence
    }
    throw RegistryError(
      .refused, "\(model.name)@\(name) has no earlier holder to go back to",
      hint: "registry alias log \(model.name)@\(name)")
  }

  /// Takes an alias away; its log stays.
  ///
  /// - Parameters:
  ///   - name: The alias.
  ///   - model: Its model.
  ///   - expected: What the caller has seen.
  ///   - note: Why.
  ///   - db: An open write transaction of the catalog.
  /// - Returns: The new entry of the log.
  /// - Throws: `conflict` when the holder is not the expected one; `notFound` when it is not set.
  @discardableResult
  package static func unset(
    _ name: String, of model: Model, expecting expected: Expected = .anything,
    note: String? = nil, _ db: Database
  ) throws -> AliasEntry {
    let holder = try model.getAlias(name, db).versionId
    if case .version(let seen) = expected, seen != holder {
      throw try changed(name, model, holder, db)
    }
    let rollback = try AliasEntry.last(name, model, db)?.sequence
    return try AliasEntry.append(
      "alias.unset", name, model, to: nil, rollbackSequence: rollback, note: note, db)
  }

  private static func changed(
    _ name: String, _ model: Model, _ holder: Int64?, _ db: Database
  ) throws -> RegistryError {
    let now = try holder.map { "is on \(try Version.get(id: $0, db).reference) now" }
    return RegistryError(
      .conflict, "\(model.name)@\(name) changed meanwhile and \(now ?? "is not set now")",
      hint: "registry alias log \(model.name)@\(name)")
  }
}
