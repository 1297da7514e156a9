import ArgumentParser
import Foundation
import GRDB
import Storage
import Tracking
import Workspace

/// The run that a command of shell scripts means.
enum RunArgument {
  /// The run by reference, else the one that `REGISTRY_RUN_ID` names.
  static func get(_ reference: String?, for verb: String, _ db: Database) throws -> Run {
    if let reference { return try Reference(reference).run(db) }
    guard let id = ProcessInfo.processInfo.environment["REGISTRY_RUN_ID"], !id.isEmpty else {
      throw RegistryError(
        .invalidInput, "no run is named and REGISTRY_RUN_ID is not set",
        hint: "registry run \(verb) RUN")
    }
    return try Run.resolve(id, db)
  }
}

struct RunLog: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Logs metrics of a run; all of them or, on an error, none.",
    discussion: """
      Examples:
        registry run log loss=0.31 val/f1=0.86 --step 100
        registry run log 7f3a loss=0.31
        registry run log --param optimizer=adamw
      """)

  @Argument(
    help: ArgumentHelp(
      "The run (REGISTRY_RUN_ID where it is left out), then metrics with their values.",
      valueName: "run | key=value"))
  var words: [String] = []
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The step; each metric's next one otherwise.", valueName: "n"))
  var step: Int64?
  @Option(help: ArgumentHelp("Logs a parameter; may be repeated.", valueName: "key=value"))
  var param: [Assignment] = []
  @OptionGroup var globals: Globals

  func run() throws {
    let isNamed = words.first.map { !$0.contains("=") } ?? false
    let metrics = try words.dropFirst(isNamed ? 1 : 0).map { word throws(RegistryError) in
      guard let metric = Assignment(argument: word) else {
        throw RegistryError(
          .invalidInput, "'\(word)' is not key=value", hint: "registry run log RUN key=value")
      }
      return (metric.key, try metric.number())
    }
    guard !metrics.isEmpty || !param.isEmpty else {
      throw RegistryError(
        .invalidInput, "nothing to log", hint: "registry run log key=value --step N")
    }
    var batch = PointBatch()
    for (key, value) in metrics {
      batch.add(try batch.key(key), step: step, time: nil, value: value)
    }
    let (run, count) = try globals.writing { store in
      try store.write { db in
        let run = try RunArgument.get(isNamed ? words.first : nil, for: "log", db)
        try run.logParameters(param.map { Parameter($0.key, $0.value) }, db)
        return (run, try run.append(batch, db))
      }
    }
    guard !globals.isForPeople || globals.verbose else { return }  // a script's loop stays quiet
    var report = Report("logged")
    report.add([
      .init("runId", "run", .text(run.id.hex)), .init("points", nil, .init(count)),
      .init("parameters", nil, .init(param.count)),
    ])
    globals.show(report)
  }
}

struct RunTag: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tag", abstract: "Notes something on a run; an empty value takes the tag away.",
    discussion: """
      Examples:
        registry run tag 7f3a owner=ann
        registry run tag reviews/best reviewed=yes note='ready for staging'
        registry run tag 7f3a owner=
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "run")) var reference: String
  @Argument(help: ArgumentHelp("Tags with their values.", valueName: "key=value"))
  var tags: [Assignment]
  @OptionGroup var globals: Globals

  func run() throws {
    let (run, all) = try globals.writing { store in
      try store.write { db in
        let run = try Reference(reference).run(db)
        try run.setTags(tags.filter { !$0.value.isEmpty }.map { Tag($0.key, $0.value) }, db)
        for tag in tags where tag.value.isEmpty { try run.deleteTag(tag.key, db) }
        return (run, try run.tags(db))
      }
    }
    var report = Report("run")
    report.add([.init("id", "run", .text(run.id.hex)), .init("name", nil, .text(run.name))])
    report.add(all.map { .init($0.key, nil, .text($0.value)) }, key: "tags", title: "tags")
    globals.show(report)
  }
}
