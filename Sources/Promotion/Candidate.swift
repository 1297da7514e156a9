import Catalog
import GRDB
import Storage
import Tracking
import Workspace

/// A version that is to hold an alias, with all that the gates judge it by.
struct Candidate {
  let version: Version
  let files: [VersionFile]
  let model: Model
  /// The version that holds the alias now.
  let holder: Version?
  /// What the version was made from, the first parent first.
  let parents: [Parent]
  /// The version that its run started from, else the first parent.
  let base: Version?
  let baseFiles: [VersionFile]
  /// The globs of tensors that its run declared frozen.
  let freeze: [String]
  let task: Experiment.Task?
  let scores: VersionScores
  let rivals: [MetricGate.Rival]

  /// A version that it was made from, and how.
  struct Parent {
    let version: Version
    let relation: Parentage.Relation
    let files: [VersionFile]
  }

  /// Reads everything but the weights.
  ///
  /// - Throws: `notFound` for a version that is removed.
  init(_ version: Version, _ alias: String, _ db: Database) throws {
    try Self.checkPresent(version, db)
    self.version = version
    files = try version.files(db)
    model = try Model.get(id: version.modelId, db)
    holder = try model.findAlias(alias, db).map { try Version.get(id: $0.versionId, db) }
    parents = try version.parents(db).map { edge in
      let parent = try Version.get(id: edge.parentVersionId, db)
      return Parent(version: parent, relation: edge.relation, files: try parent.files(db))
    }
    task = try Experiment.find(modelId: model.id, db)?.task
    scores = try VersionScores.get(version, db)
    freeze = try scores.run.map { try RunSource.get($0, db).freeze } ?? []
    base =
      try scores.run?.baseVersionId.flatMap { try Version.find(id: $0, db) }
      ?? parents.first?.version
    baseFiles = try base?.files(db) ?? []
    rivals = try Self.rivals(holder, parents.map(\.version), db)
  }

  /// Refuses a version that is removed.
  static func checkPresent(_ version: Version, _ db: Database) throws {
    guard try Version.find(id: version.id, db) != nil else {
      throw RegistryError(
        .notFound, "\(version.reference) was removed",
        hint: "registry model show \(version.modelName)")
    }
  }

  /// The holder and the parents, each once.
  private static func rivals(
    _ holder: Version?, _ parents: [Version], _ db: Database
  ) throws -> [MetricGate.Rival] {
    let others = parents.filter { $0.id != holder?.id }
    let role = others.count < parents.count ? "holder and parent" : "holder"
    let held = try holder.map { MetricGate.Rival(role: role, scores: try .get($0, db)) }
    return try [held].compactMap { $0 }
      + others.map { MetricGate.Rival(role: "parent", scores: try .get($0, db)) }
  }
}
