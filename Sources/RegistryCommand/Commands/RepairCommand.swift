import ArgumentParser
import Foundation
import Promotion
import Storage
import Weights
import Workspace

struct RepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Puts damaged or missing content back from a backup or files (exit 7: not all).",
    discussion: """
      Examples:
        registry repair --from /mnt/backup/2026-11-23
        registry repair --from ./downloads --from /mnt/backup/2026-11-23
        registry repair --from ./downloads --dry-run
        registry repair

      A backup is any store; in a folder, every file is looked at that has the content of a \
      damaged one, or pieces of it. Without --from, what the store has twice is used. Nothing is \
      written but content with the digest that is missed, so it may be stopped at any point. \
      Names, runs and events are not repaired: for these, restore a backup.
      """)

  @Option(
    help: ArgumentHelp(
      "A backup, another store, a folder of files or a file; may be repeated.", valueName: "path"),
    completion: .file())
  var from: [String] = []
  @Flag(help: "Tells what would be put back.") var dryRun = false
  @OptionGroup var globals: Globals

  func run() throws {
    let repair = try globals.writing { store in
      let progress = Progress("looking", .bytes, globals)
      defer { progress.end() }
      return try Repair.run(
        store, from: from.map { URL(filePath: $0) }, dryRun: dryRun, decisions: Promotion.faults
      ) { progress.update(done: $0, total: $1) }
    }
    let healed = repair.healed
    var report = Report("repair")
    report.add([
      .init(
        "isDryRun", "state",
        .structure(.bool(dryRun), text: dryRun ? "nothing was changed" : "done")),
      .init("chunkCount", "chunks put back", .init(healed.chunks.count)),
      .init("fileCount", "files made anew", .init(healed.blobs.count)),
      .init("rowCount", "rows put right", .init(healed.rowCount)),
      .init("discardedCount", "useless rows dropped", .init(healed.discardedCount)),
      .init("storedBytes", "stored", .bytes(healed.storedBytes)),
      .init(
        "faultCount", "faults left", .init(repair.faults.count),
        repair.faults.isEmpty ? .good : .bad),
    ])
    report.add(FaultTable.of(repair.faults), title: repair.faults.isEmpty ? nil : "faults")
    if repair.faults.isEmpty {
      report.line(.init("✓ ", .good), .init(dryRun ? "no fault would be left" : "no fault"))
    }
    globals.show(report)
    guard !repair.faults.isEmpty else { return }
    throw FaultTable.error(repair.faults, full: true)
  }
}
