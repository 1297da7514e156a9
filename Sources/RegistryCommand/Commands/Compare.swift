import ArgumentParser
import Catalog
import Storage
import Tracking
import Workspace

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows how runs or versions differ, each beside the first and its parent.",
    discussion: """
      Examples:
        registry compare reviews:2 reviews:3
        registry compare 7f3a 41d0 best --all
        registry compare reviews:1 reviews/best --md
      """)

  @Argument(
    help: ArgumentHelp(
      "Runs or versions; the first is what others are compared with.",
      valueName: "ref"))
  var references: [String]
  @Flag(help: "Shows what is equal, too.") var all = false
  @OptionGroup var globals: Globals

  func validate() throws {
    guard references.count > 1 else {
      throw ValidationError("compare needs two or more runs or versions")
    }
  }

  func run() throws {
    let comparison = try globals.reading { store in
      try store.read { db in
        try Workspace.Comparison.of(try references.map { try Reference($0) }, db)
      }
    }
    globals.show(ComparisonReport(comparison, all: all, isForPeople: globals.isForPeople).report)
  }
}

struct Best: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Names the best run of a task by its metric, and the version that it made.",
    discussion: """
      Examples:
        registry best
        registry best reviews
        registry best reviews --json
      """)

  @Argument(help: "The task; the only one where it is left out.") var task: String?
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(task.map { $0 + "/best" } ?? "best")
    let report = try globals.reading { store in
      try store.read { db in
        let run = try reference.run(db)
        let experiment = try Experiment.get(id: run.experimentId, db)
        let version = try run.outputVersionId.flatMap { try Version.find(id: $0, db) }
        let metric = experiment.task?.metric
        let series = try metric.flatMap { try run.findSeries($0, db) }
        var report = Report("best")
        report.add(
          [
            .init(
              "runId", "run", .structure(.string(run.id.hex), text: "\(run.id.short) \(run.name)"),
              .bold),
            .init("runName", nil, .structure(.string(run.name), text: "")),
            .init("task", nil, .text(experiment.name)),
            .init("version", "made", .init(version?.reference), .bold),
            .init("metric", nil, .structure(JSON(metric), text: "")),
            .init("value", metric?.printable ?? "value", .init(series?.latest.value), .good),
            .init("step", "at step", .init(series?.latest.step)),
          ].filter { !$0.isEmpty })
        if version != nil { report.next = "registry promote \(experiment.name)/best --to prod" }
        return report
      }
    }
    globals.show(report)
  }
}
