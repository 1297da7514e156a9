import ArgumentParser
import Storage
import Tracking
import Workspace

struct RunStart: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Starts a run by hand and prints its id, for shell scripts.",
    discussion: """
      Examples:
        export REGISTRY_RUN_ID=$(registry run start baselines --set lr=0.1)
        registry run log loss=0.7 accuracy=0.6
        registry run finish
      """)

  @Argument(help: "The task or experiment.") var experiment: String
  @Option(help: ArgumentHelp("A name; one is made where it is left out.", valueName: "name"))
  var name: String?
  @Option(help: ArgumentHelp("A parameter; may be repeated.", valueName: "key=value"))
  var set: [Assignment] = []
  @Option(help: ArgumentHelp("A tag; may be repeated.", valueName: "key=value"))
  var tag: [Assignment] = []
  @Option(parsing: .unconditional, help: ArgumentHelp("The seed of the run.", valueName: "n"))
  var seed: Int64?
  @OptionGroup var globals: Globals

  func run() throws {
    let run = try globals.writing { store in
      if let name { try Name.checkNew(name, noun: "run") }
      return try store.write { db in
        let experiment = try Reference.experiment(experiment, db)
        var start = Run.Start(experimentId: experiment.id)
        start.name = name
        start.seed = seed
        start.baseVersionId = experiment.task?.baseVersionId
        let run = try Run.add(start, db)
        try run.logParameters(set.map { Parameter($0.key, $0.value) }, db)
        try run.setTags(tag.map { Tag($0.key, $0.value) }, db)
        return run
      }
    }
    if globals.isForPeople {
      globals.output.write(run.id.hex + "\n")
      globals.note("run \(run.id.short) \(run.name.printable) of \(experiment.printable)", .dim)
    } else {
      var report = Report("run")
      report.add([.init("id", nil, .text(run.id.hex)), .init("name", nil, .text(run.name))])
      globals.show(report)
    }
  }
}

struct RunFinish: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finish", abstract: "Ends a run that was started by hand.",
    discussion: """
      Examples:
        registry run finish
        registry run finish 7f3a --status failed
      """)

  enum Ending: String, CaseIterable, ExpressibleByArgument {
    case finished, failed, killed

    var status: Run.Status {
      switch self {
      case .finished: .finished
      case .failed: .failed
      case .killed: .killed
      }
    }
  }

  @Argument(
    help: ArgumentHelp("The run; REGISTRY_RUN_ID where it is left out.", valueName: "run"))
  var reference: String?
  @Option(help: ArgumentHelp("How it ended: finished, failed or killed.", valueName: "how"))
  var status: Ending = .finished
  @OptionGroup var globals: Globals

  func run() throws {
    let run = try globals.writing { store in
      try store.write { db in
        let run = try RunArgument.get(reference, for: "finish", db)
        guard !run.status.isFinal else {
          throw RegistryError(
            .conflict, "run \(run.id.short) has ended already as \(run.status.rawValue)",
            hint: "registry run show \(run.id.short)")
        }
        return try run.finish(status.status, db)
      }
    }
    var report = Report("run")
    report.add([
      .init("id", "run", .text(run.id.hex)), .init("name", nil, .text(run.name)),
      .init("status", nil, RunState(run, isLost: false).value),
      .init("durationSeconds", "took", run.durationSeconds.map { .seconds($0) } ?? .none),
    ])
    globals.show(report)
  }
}
