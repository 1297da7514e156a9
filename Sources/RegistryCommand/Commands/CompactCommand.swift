import ArgumentParser
import Storage
import Weights
import Workspace

struct CompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Makes content cheaper to read and smaller, and gives space back.",
    discussion: """
      Examples:
        registry compact --dry-run
        registry compact

      Differences that take long to undo, or that would be smaller to another ancestor, are made
      anew, and those to content that no version has any more. Every byte is compared before it
      replaces what was there. Other commands go on meanwhile; it may be stopped at any point, and
      begun again.
      """)

  @Flag(help: "Tells what would be done.") var dryRun = false
  @OptionGroup var globals: Globals

  func run() throws {
    let made = try globals.writing { store in
      let progress = Progress(dryRun ? "looking" : "compacting", .bytes, globals)
      defer { progress.end() }
      return try Compacted.run(store, dryRun: dryRun) { progress.update(done: $0, total: $1) }
    }
    var report = Report("compact")
    report.add([
      .init(
        "isDryRun", "state",
        .structure(.bool(dryRun), text: dryRun ? "nothing was changed" : "done")),
      .init("chunkCount", "chunks", .init(made.chunks.chunkCount)),
      .init("movedCount", dryRun ? "would be re-based" : "re-based", .init(made.chunks.movedCount)),
      .init("recordBytesBefore", "records before", .bytes(made.recordBytesBefore)),
      .init("recordBytesAfter", "records after", .bytes(made.recordBytesAfter)),
      .init("fileBytesBefore", "disk before", .bytes(made.fileBytesBefore)),
      .init("fileBytesAfter", "disk after", .bytes(made.fileBytesAfter)),
    ])
    globals.show(report)
  }
}
