import Catalog
import GRDB
import Tracking
import Workspace

/// A version that is to hold an alias, with all that the gates judge it by.
struct Candidate {
  let version: Version
  let model: Model
  /// The version that holds the alias now.
  let holder: Version?
  /// What the version was made from, the first parent first.
  let parents: [(version: Version, relation: Parentage.Relation)]
  /// The version that its run started from, else the first parent.
  let base: Version?
  /// The globs of tensors that its run declared frozen.
  let freeze: [String]
  let task: Experiment.Task?
  let scores: VersionScores
  let rivals: [MetricGate.Rival]

  /// Reads everything but the weights.
  init(_ version: Version, _ alias: String, _ db: Database) throws {
    self.version = version
    model = try Model.get(id: version.modelId, db)
    holder = try model.findAlias(alias, db).map { try Version.get(id: $0.versionId, db) }
    parents = try version.parents(db).map {
      (try Version.get(id: $0.parentVersionId, db), $0.relation)
    }
    task = try Experiment.find(modelId: model.id, db)?.task
    scores = try VersionScores.get(version, db)
    freeze = try scores.run.map { try RunSource.get($0, db).freeze } ?? []
    base =
      try scores.run?.baseVersionId.flatMap { try Version.find(id: $0, db) }
      ?? parents.first?.version
    rivals = try Self.rivals(holder, parents.map(\.version), db)
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
