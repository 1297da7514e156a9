package import GRDB
import Storage

extension Version {
  /// What a version to come is made of.
  package struct Content: Sendable {
    /// Its files, at least one, whose bytes are in Weights.
    package var files: [VersionFile]
    /// What it was made from, the first parent first.
    package var parents: [Parent]
    /// Metrics that were brought with it.
    package var metrics: [VersionMetric]
    /// Where its files came from, for people.
    package var source: String?
    /// The run that made it, 32 hex digits.
    package var runId: String?
    /// What people say of it.
    package var note: String?

    /// Makes the content of a version to come.
    package init(
      files: [VersionFile], parents: [Parent] = [], metrics: [VersionMetric] = [],
      source: String? = nil, runId: String? = nil, note: String? = nil
    ) {
      self.files = files
      self.parents = parents
      self.metrics = metrics
      self.source = source
      self.runId = runId
      self.note = note
    }
  }

  /// A parent of a version to come.
  package struct Parent: Sendable, Equatable {
    /// The version.
    package let versionId: Int64
    /// What was done to it.
    package let relation: Parentage.Relation

    /// Makes a parent of a version to come.
    package init(_ versionId: Int64, _ relation: Parentage.Relation) {
      self.versionId = versionId
      self.relation = relation
    }
  }

  /// Adds a version under the model's next number.
  ///
  /// - Parameters:
  ///   - content: Its files, parents and metrics.
  ///   - model: The model.
  ///   - db: An open write transaction of the catalog; the caller holds `Store.withContent` since the import.
  /// - Returns: The version.
  /// - Throws: `invalidInput` for bad files, metrics, or a parent that stands twice; `notFound` for a missing parent.
  package static func add(
    _ content: Content, to model: Model, _ db: Database
  ) throws -> Version {
    try VersionFile.check(content.files)
    let number = try takeNumber(model, db)
    try db.execute(
      sql: """
        INSERT INTO version (modelId, number, createdAt, source, runId, note)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [model.id, number, Timestamp.now, content.source, content.runId, content.note])
    let version = try get(id: db.lastInsertedRowID, db)
    try version.insert(content.files, db)
    let parents = try version.insert(content.parents, db)
    try version.insert(content.metrics, db)
    let told = Self.told(
      files: content.files, parents: parents, metrics: content.metrics, source: content.source,
      runId: content.runId)
    try Event.append("version.add", version.reference, .object(told), db)
    return version
  }

  /// What the event of a version tells of it: all that later decisions rest on.
  static func told(
    files: [VersionFile], parents: [JSON], metrics: [VersionMetric], source: String?, runId: String?
  ) -> [JSON.Member] {
    let files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return [
      .init("files", .object(files.map { .init($0.path, .string($0.digest.hex)) })),
      .init("parents", .array(parents)), .init("runId", JSON(runId)), .init("source", JSON(source)),
      .init(
        "metrics",
        .object(
          metrics.map {
            .init($0.key, ["value": .number($0.value), "source": .string($0.source)])
          })),
    ]
  }

  /// How an event names a parent.
  static func told(_ parent: Version, _ relation: Parentage.Relation) -> JSON {
    ["version": .string(parent.reference), "relation": .string(relation.rawValue)]
  }

  /// Takes the model's next number, in the transaction that uses it.
  private static func takeNumber(_ model: Model, _ db: Database) throws -> Int64 {
    let next = try Int64.fetchOne(
      db, sql: "UPDATE model SET nextVersion = nextVersion + 1 WHERE id = ? RETURNING nextVersion",
      arguments: [model.id])
    guard let next else {
      throw RegistryError(.notFound, "no model named '\(model.name)'", hint: "registry model ls")
    }
    return next - 1
  }

  private func insert(_ files: [VersionFile], _ db: Database) throws {
    let insert = try db.cachedStatement(
      sql: """
        INSERT INTO versionFile (versionId, path, contentBlobDigest, sizeBytes)
        VALUES (?, ?, ?, ?)
        """)
    for file in files {
      try insert.execute(arguments: [id, file.path, file.digest, file.sizeBytes])
    }
  }

  /// Inserts the edges and returns them for the event.
  private func insert(_ parents: [Parent], _ db: Database) throws -> [JSON] {
    var seen: Set<Int64> = []
    return try parents.enumerated().map { index, parent in
      let version = try Version.get(id: parent.versionId, db)
      guard seen.insert(parent.versionId).inserted else {
        throw RegistryError(.invalidInput, "the parent \(version.reference) stands twice")
      }
      try db.execute(
        sql: """
          INSERT INTO parentage (childVersionId, position, parentVersionId, relation)
          VALUES (?, ?, ?, ?)
          """,
        arguments: [id, index + 1, parent.versionId, parent.relation])
      return Self.told(version, parent.relation)
    }
  }

  private func insert(_ metrics: [VersionMetric], _ db: Database) throws {
    for metric in metrics {
      try metric.check()
      let isThere = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM versionMetric WHERE versionId = ? AND key = ?)",
        arguments: [id, metric.key])
      guard isThere == false else {
        throw RegistryError(.invalidInput, "the metric '\(metric.key)' stands twice")
      }
      try db.execute(
        sql: "INSERT INTO versionMetric (versionId, key, value, source) VALUES (?, ?, ?, ?)",
        arguments: [id, metric.key, metric.value.isNaN ? nil : metric.value, metric.source])
    }
  }
}
