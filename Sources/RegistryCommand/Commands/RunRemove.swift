import ArgumentParser
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
        registry run restore 7f3ac1e0b2d94f55a0c1d2e3f4a5b6c7
      """)

  @Argument(help: "The runs, with all 32 digits of their ids.") var runs: [String]
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
          let run = try Reference(reference).run(db)
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
    globals.show(Report(table))
  }
}
