import Catalog
import GRDB
import Storage
import Tracking
import Workspace

extension Value {
  /// The aliases of a version: names, which people see with their sign.
  static func aliases(_ names: [String]) -> Value {
    .list(names, text: names.map { "@" + $0 }.joined(separator: " "))
  }

  /// The aliases of a model, each with the version that it is on.
  static func aliases(of model: Model, _ db: Database) throws -> Value {
    let held = try model.aliases(db).map { ($0.name, try Version.get(id: $0.versionId, db)) }
    guard !held.isEmpty else { return .list([]) }
    return .structure(
      .array(held.map { ["name": .string($0.0), "version": .string($0.1.reference)] }),
      text: held.map { "@\($0.0):\($0.1.number)" }.joined(separator: " "))
  }

  /// What a version was made from, and how.
  static func parents(of version: Version?, _ db: Database) throws -> Value {
    let parents = try version?.parents(db).map { edge in
      (try Version.get(id: edge.parentVersionId, db).reference, edge.relation.rawValue)
    }
    guard let parents, !parents.isEmpty else { return .list([]) }
    return .structure(
      .array(parents.map { ["version": .string($0.0), "relation": .string($0.1)] }),
      text: parents.map { "\($0.0) (\($0.1))" }.joined(separator: ", "))
  }
}

/// The versions of a model as a table.
enum VersionTable {
  static func of(_ model: Model, task: Experiment.Task?, _ db: Database) throws -> Table {
    let metric = task?.metric
    var table = Table(
      "versions",
      [
        .init("reference", "version", pinned: true), .init("aliases", pinned: true),
        .init("metric", metric?.printable ?? "metric"), .init("parents"),
        .init("runId", "run"), .init("sizeBytes", "size"), .init("createdAt", "made"),
        .init("source", flexible: true), .init("note", flexible: true),
      ], emptyText: "no version yet; registry version add \(model.name) FOLDER")
    for version in try model.versions(db) {
      let parents = try version.parents(db)
      let run = try Reference.findRun(of: version, db)
      let score = try metric.flatMap { try VersionScores.get(version, db).find($0)?.value }
      table.add([
        .init(.text(version.reference), .bold),
        .init(.aliases(try version.aliases(db)), .accent), .init(.init(score)),
        .init(try .parents(of: version, db)),
        .init(run.map { .structure(.string($0.id.hex), text: $0.id.short) } ?? .none),
        .init(.bytes(try version.files(db).reduce(0) { $0 + $1.sizeBytes })),
        .init(.age(version.createdAt), .dim),
        .init(run == nil && parents.first?.relation != .fork ? .init(version.source) : .none, .dim),
        .init(.init(version.note)),
      ])
    }
    return table
  }
}
