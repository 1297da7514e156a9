import Catalog
import GRDB
import Storage
import Tracking
import Workspace

/// The aliases of a model, each with the number it is on.
enum AliasText {
  static func list(_ model: Model, _ db: Database) throws -> [String] {
    try model.aliases(db).map { "@\($0.name):\(try Version.get(id: $0.versionId, db).number)" }
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
        .init("metric", metric?.printable ?? "metric"), .init("relation"), .init("parents"),
        .init("run"), .init("sizeBytes", "size"), .init("createdAt", "made"),
        .init("source", flexible: true), .init("note", flexible: true),
      ], emptyText: "no version yet; registry version add \(model.name) FOLDER")
    for version in try model.versions(db) {
      let parents = try version.parents(db)
      let run = try Reference.findRun(of: version, db)
      let score = try metric.flatMap { try VersionScores.get(version, db).find($0)?.value }
      let names = try parents.map { try Version.get(id: $0.parentVersionId, db).reference }
      table.add([
        .init(.text(version.reference), .bold),
        .init(.list(try version.aliases(db).map { "@" + $0 }), .accent), .init(.init(score)),
        .init(.init(parents.first?.relation.rawValue)), .init(names.isEmpty ? .none : .list(names)),
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
