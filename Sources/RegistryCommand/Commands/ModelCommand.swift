import ArgumentParser
import Catalog
import GRDB
import Storage
import Tracking
import Workspace

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Names under which versions are kept.",
    discussion: """
      Examples:
        registry model ls
        registry model show reviews
      """,
    subcommands: [ModelList.self, ModelShow.self])
}

struct ModelList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists models.",
    discussion: """
      Examples:
        registry model ls
        registry model ls --json
      """)

  @OptionGroup var globals: Globals

  func run() throws {
    var table = Table(
      "models",
      [
        .init("name", "model", pinned: true), .init("kind"), .init("parents", "from"),
        .init("versionCount", "versions"), .init("newest", pinned: true), .init("aliases"),
        .init("metric"), .init("createdAt", "made"), .init("note", flexible: true),
      ], emptyText: "no model yet; registry base add FOLDER")
    try globals.reading { store in
      try store.read { db in
        for model in try Model.list(db) {
          let versions = try model.versions(db)
          let task = try Experiment.find(modelId: model.id, db)?.task
          let hasParent = try versions.first?.parents(db).isEmpty == false
          table.add([
            .init(.text(model.name), .bold),
            .init(.text(task != nil ? "task" : hasParent ? "model" : "base")),
            .init(try .parents(of: versions.first, db)), .init(.init(versions.count)),
            .init(.init(versions.last?.reference)),
            .init(try .aliases(of: model, db), .accent),
            .init(.init(task?.metric.map { "\($0):\(task?.direction?.rawValue ?? "")" })),
            .init(.age(model.createdAt), .dim), .init(.init(model.note)),
          ])
        }
      }
    }
    globals.show(Report(table))
  }
}

struct ModelShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Shows a model with its versions and aliases.",
    discussion: """
      Examples:
        registry model show reviews
        registry model show reviews --json
      """)

  @Argument(help: "The model.") var model: String
  @OptionGroup var globals: Globals

  func run() throws {
    let report = try globals.reading { store in
      try store.read { db in
        let model = try Reference.model(model, db)
        let experiment = try Experiment.find(modelId: model.id, db)
        let task = experiment?.task
        var report = Report("model")
        report.add(
          [
            .init("name", "model", .text(model.name), .bold),
            .init("type", "task", .init(task?.type)),
            .init("metric", nil, .init(task?.metric)),
            .init("direction", "better is", .init(task?.direction?.rawValue)),
            .init(
              "runCount", "runs", .init(try experiment.map { try Self.runCount($0, db) })),
            .init("createdAt", "made", .time(model.createdAt)),
            .init("note", nil, .init(model.note)),
          ].filter { !$0.isEmpty })
        report.add(try VersionTable.of(model, task: task, db), title: "versions")
        var aliases = Table("aliases", [.init("name", "alias", pinned: true), .init("version")])
        for alias in try model.aliases(db) {
          aliases.add([
            .init(.structure(.string(alias.name), text: "@" + alias.name), .accent),
            .init(.text(try Version.get(id: alias.versionId, db).reference), .bold),
          ])
        }
        report.add(aliases, title: "aliases")
        return report
      }
    }
    globals.show(report)
  }

  private static func runCount(_ experiment: Experiment, _ db: Database) throws -> Int {
    var search = RunSearch()
    search.experimentIds = [experiment.id]
    return try search.count(db)
  }
}
