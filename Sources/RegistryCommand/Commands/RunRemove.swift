import ArgumentParser
import GRDB
import Storage
import Tracking
import Workspace

struct RunRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Removes runs from lists; registry run restore brings them back.",
    discussion: """
      Examples:
        registry run rm 7f3a 41d0
        registry run restore 7f3a
        registry run ls --removed
      """)

  @Argument(help: "The runs.") var runs: [String]
  @OptionGroup var globals: Globals

  func run() throws {
    try RunLifecycle.set(.deleted, runs, globals)
  }
}

struct RunRestore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Brings removed runs back.",
    discussion: """
      Examples:
        registry run ls --removed
        registry run restore 7f3a
      """)

  @Argument(help: "The runs, by name or by digits of their ids.") var runs: [String]
  @OptionGroup var globals: Globals

  func run() throws {
    try RunLifecycle.set(.active, runs, globals)
  }
}

private enum RunLifecycle {
  static func set(_ lifecycle: Lifecycle, _ references: [String], _ globals: Globals) throws {
    let runs = try globals.writing { store in
      try store.write { db in
        try references.map { reference in
          let run =
            lifecycle == .active
            ? try removedRun(reference, db) : try Reference(reference).run(db)
          guard lifecycle == .active || run.status.isFinal else {
            throw RegistryError(
              .refused, "run \(run.id.short) is still running",
              hint: "registry run finish \(run.id.short)")
          }
          if run.lifecycle != lifecycle { try run.set(lifecycle, db) }
          return run
        }
      }
    }
    var table = Table("runs", [.init("id", "run"), .init("name"), .init("state")])
    for run in runs {
      table.add(
        .structure(.string(run.id.hex), text: run.id.hex), .text(run.name),
        .text(lifecycle == .deleted ? "removed" : "restored"))
    }
    var report = Report(table)
    if lifecycle == .deleted {
      report.next = "registry run restore \(runs.map(\.id.short).joined(separator: " "))"
    }
    globals.show(report)
  }

  /// The removed run with a name or an id that starts with these digits.
  private static func removedRun(_ reference: String, _ db: Database) throws -> Run {
    var search = RunSearch()
    search.view = .deleted
    search.columns = []
    search.limit = .max
    let digits = reference.lowercased()
    let found = try search.page(db).rows.map(\.run).filter { run in
      run.name.utf8.elementsEqual(reference.utf8)
        || digits.utf8.count >= 4 && run.id.hex.hasPrefix(digits)
    }
    guard let first = found.first else {
      throw RegistryError(
        .notFound, "no removed run named '\(reference)'", hint: "registry run ls --removed")
    }
    guard found.count == 1 else {
      throw RegistryError(
        .ambiguous, "'\(reference)' means \(found.count) removed runs",
        hint: "one of: " + found.prefix(5).map { "\($0.id.hex.prefix(12))" }.joined(separator: ", ")
      )
    }
    return first
  }
}
