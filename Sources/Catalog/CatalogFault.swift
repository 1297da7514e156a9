package import GRDB
import Storage

/// What is wrong with the catalog of models, as `verify` finds it.
package struct CatalogFault: Sendable, Equatable {
  /// What it is about, as a reference: `sections:2`.
  package let subject: String
  /// What is wrong.
  package let message: String

  /// Holds models, versions and aliases against the event log, which is chained by hashes.
  ///
  /// - Parameter db: An open read of the catalog.
  /// - Returns: What does not fit together; none when all is well.
  /// - Throws: SQLite's errors.
  /// - Complexity: O(versions + files + alias entries).
  package static func list(_ db: Database) throws -> [CatalogFault] {
    try models(db) + versions(db) + aliasEntries(db) + aliases(db)
  }

  private static func models(_ db: Database) throws -> [CatalogFault] {
    try Model.list(db).compactMap { model in
      let greatest = try model.findNewestVersion(db)?.number ?? 0
      return model.nextVersion > greatest
        ? nil
        : CatalogFault(subject: model.name, message: "its next version's number is taken")
    }
  }

  /// Compares each version with what its event told.
  private static func versions(_ db: Database) throws -> [CatalogFault] {
    try Version.list(db).compactMap { version in
      let event = try Event.list(
        subject: version.reference, kinds: ["version.add"], limit: 1, db
      ).first
      guard let event, let told = try? JSON.parse(Array(event.detail.utf8)) else {
        return CatalogFault(subject: version.reference, message: "no event tells of it")
      }
      let fault = try Self.facts(of: version, db).first { !same(told[$0.key], $0.value) }
      return fault.map {
        CatalogFault(
          subject: version.reference, message: "its \($0.key) is not what its event tells")
      }
    }
  }

  /// What the event of a version must tell of it; the keys are the event's.
  private static func facts(of version: Version, _ db: Database) throws -> [JSON.Member] {
    let parents = try version.parents(db).map {
      Version.told(try Version.get(id: $0.parentVersionId, db), $0.relation)
    }
    return Version.told(
      files: try version.files(db), parents: parents, metrics: try version.metrics(db),
      source: version.source, runId: version.runId)
  }

  /// Whether two values are the same bytes; `String` equality would take other spellings of a path.
  private static func same(_ left: JSON?, _ right: JSON) -> Bool {
    left?.text(canonical: true).utf8.elementsEqual(right.text(canonical: true).utf8) ?? false
  }

  /// Compares each entry of an alias's log with its event.
  private static func aliasEntries(_ db: Database) throws -> [CatalogFault] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT aliasEntry.sequence, aliasEntry.number, event.kind, event.subject, event.detail,
          model.name || '@' || aliasEntry.name AS alias
        FROM aliasEntry JOIN model ON model.id = modelId
          LEFT JOIN event ON event.sequence = aliasEntry.sequence
        ORDER BY aliasEntry.sequence
        """)
    var faults: [CatalogFault] = []
    while let row = try rows.next() {
      let alias: String = row["alias"]
      let kind: String? = row["kind"]
      let subject: String? = row["subject"]
      let detail: String = row["detail"] ?? ""
      let number: Int64? = row["number"]
      guard kind?.hasPrefix("alias.") == true, subject == alias,
        let told = try? JSON.parse(Array(detail.utf8)), told["to"]?.integer == number
      else {
        let sequence: Int64 = row["sequence"]
        faults.append(
          CatalogFault(subject: alias, message: "entry \(sequence) is not what its event tells"))
        continue
      }
    }
    return faults
  }

  /// Compares where each alias is with the last entry of its log.
  private static func aliases(_ db: Database) throws -> [CatalogFault] {
    var faults: [CatalogFault] = []
    for model in try Model.list(db) {
      let logged = try String.fetchAll(
        db, sql: "SELECT DISTINCT name FROM aliasEntry WHERE modelId = ? ORDER BY name",
        arguments: [model.id])
      let set = try model.aliases(db)
      for name in logged {
        let holder = try model.findAlias(name, db).map {
          try Version.find(id: $0.versionId, db)?.number
        }
        let last = try model.findAliasEntry(name, back: 0, db)
        if holder ?? nil != last?.number {
          faults.append(
            CatalogFault(
              subject: "\(model.name)@\(name)", message: "it is not where its log has put it"))
        }
      }
      for alias in set where !logged.contains(where: { $0.utf8.elementsEqual(alias.name.utf8) }) {
        faults.append(
          CatalogFault(subject: "\(model.name)@\(alias.name)", message: "it has no log"))
      }
    }
    return faults
  }
}
