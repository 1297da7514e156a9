import ArgumentParser
import Catalog
import Storage
import Tracking
import Workspace

struct ForkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fork", abstract: "Makes a task from a base: a model of its own at no cost.",
    discussion: """
      Examples:
        registry fork bert-tiny reviews --metric val/f1:max
        registry fork bert-tiny:2 reviews --type text-classification --metric loss:min
      """)

  @Argument(help: ArgumentHelp("The version to start from.", valueName: "base"))
  var base: String
  @Argument(help: ArgumentHelp("The new task's name.", valueName: "name")) var task: String
  @Option(help: ArgumentHelp("What it is for: text-classification, …", valueName: "type"))
  var type = "other"
  @Option(
    help: ArgumentHelp(
      "The metric that ranks its runs, and which end is better.",
      valueName: "name:max|min"))
  var metric: String?
  @Option(help: ArgumentHelp("What to say of it.", valueName: "text")) var note: String?
  @OptionGroup var globals: Globals

  func run() throws {
    let reference = try Reference(base)
    let metric = try metric.map { text throws(RegistryError) in try PrimaryMetric(text) }
    let fork = try globals.writing { store in
      try store.withContent {
        try store.write { db in
          try Fork.add(
            try reference.version(db), as: task, type: type, metric: metric, note: note, db)
        }
      }
    }
    var report = Report("task")
    report.add([
      .init("name", "task", .text(fork.task.name), .bold),
      .init("version", nil, .text(fork.version.reference)),
      .init("base", "parent", .text(fork.base.reference)),
      .init("type", nil, .text(type)),
      .init("metric", nil, .init(metric.map { "\($0.key):\($0.direction.rawValue)" })),
      .init("storedBytes", "stored", .bytes(0)),
    ])
    report.next = RunTask.next(for: fork.task.name)
    globals.show(report)
  }
}
