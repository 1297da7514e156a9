import ArgumentParser
import Storage
import Tracking

struct ExperimentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "experiment", abstract: "Groups of runs: tasks and plain experiments.",
    discussion: """
      Examples:
        registry experiment add baselines
        registry experiment ls
      """,
    subcommands: [ExperimentAdd.self, ExperimentList.self])
}

struct ExperimentAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Makes an experiment without a base, for plain tracking.",
    discussion: """
      Examples:
        registry experiment add baselines
        registry run baselines -- python train.py
      """)

  @Argument(help: "The new experiment's name.") var name: String
  @OptionGroup var globals: Globals

  func run() throws {
    let experiment = try globals.writing { store in
      try Name.checkNew(name, noun: "experiment")
      return try store.write { try Experiment.add(name, $0) }
    }
    var report = Report("experiment")
    report.add([
      .init("name", "experiment", .text(experiment.name)),
      .init("createdAt", "made", .time(experiment.createdAt)),
    ])
    report.next = RunTask.next(for: experiment.name)
    globals.show(report)
  }
}

struct ExperimentList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls", abstract: "Lists experiments and tasks.",
    discussion: """
      Examples:
        registry experiment ls
        registry experiment ls --json
      """)

  @OptionGroup var globals: Globals

  func run() throws {
    let rows = try globals.reading { store in
      try store.read { db in
        try Experiment.list(db).map { experiment in
          var search = RunSearch()
          search.experimentIds = [experiment.id]
          let count = try search.count(db)
          search.filter = try Filter.parse("status = 'RUNNING'")
          let last = try Run.last(experimentId: experiment.id, db)
          return (experiment, count, running: try search.count(db), last)
        }
      }
    }
    var table = Table(
      "experiments",
      [
        .init("name", "experiment", pinned: true), .init("type"), .init("metric"),
        .init("direction", hidden: true), .init("runs"), .init("running"),
        .init("lastStartedAt", "last run"), .init("createdAt", "made"),
      ],
      emptyText: "no experiment yet; registry fork BASE TASK or registry experiment add NAME")
    for (experiment, count, running, last) in rows {
      let metric = experiment.task?.metric
      let direction = experiment.task?.direction?.rawValue
      table.add(
        .text(experiment.name), .text(experiment.task?.type ?? "tracking"),
        .init(metric.map { "\($0):\(direction ?? "")" }), .init(direction),
        .init(count), .init(running), last.map { .age($0.startTime) } ?? .none,
        .age(experiment.createdAt))
    }
    globals.show(Report(table))
  }
}
