import ArgumentParser
import Catalog
import Storage
import Weights
import Workspace

struct DiskUsageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du", abstract: "Shows what each version costs, and the store as a whole.",
    discussion: """
      Examples:
        registry du
        registry du --csv
      """)

  @OptionGroup var globals: Globals

  func run() throws {
    let usage = try globals.reading { try DiskUsage($0) }
    var table = Table(
      "versions",
      [
        .init("reference", "version", pinned: true), .init("logicalBytes", "size"),
        .init("uniqueBytes", "its own", pinned: true), .init("sharedBytes", "shared"),
      ])
    for entry in usage.versions {
      table.add([
        .init(.text(entry.version.reference), .bold), .init(.bytes(entry.usage.logicalBytes)),
        .init(.bytes(entry.usage.uniqueBytes)), .init(.bytes(entry.usage.sharedBytes)),
      ])
    }
    var report = Report()
    report.add(table)
    report.add(
      [
        .init("catalogBytes", "catalog", .bytes(usage.catalogBytes)),
        .init("weightsBytes", "weights", .bytes(usage.weightsBytes)),
        .init("cacheBytes", "cache", .bytes(usage.cacheBytes)),
        .init("spoolBytes", "spool", .bytes(usage.spoolBytes)),
        .init("totalBytes", "total", .bytes(usage.totalBytes), .bold),
      ], key: "store", title: "store")
    globals.show(report)
  }
}

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Takes away content that nothing names, and idle cached folders.",
    discussion: """
      Examples:
        registry gc --dry-run
        registry gc
      """)

  @Flag(help: "Tells what would go.") var dryRun = false
  @OptionGroup var globals: Globals

  func run() throws {
    let taken = try globals.writing { store in
      let progress = Progress(dryRun ? "looking" : "collecting", .bytes, globals)
      defer { progress.end() }
      return try Workspace.Collection.run(store, dryRun: dryRun) {
        progress.update(done: $0, total: 0)
      }
    }
    var report = Report("gc")
    report.add([
      .init(
        "isDryRun", "state",
        .structure(.bool(dryRun), text: dryRun ? "nothing was changed" : "done")),
      .init("blobCount", "files", .init(taken.content.blobCount)),
      .init("chunkCount", "chunks", .init(taken.content.chunkCount)),
      .init("freedBytes", dryRun ? "would free" : "freed", .bytes(taken.content.freedBytes)),
      .init("cachedFolderCount", "cached folders", .init(taken.cachedFolderCount)),
      .init("cachedBytes", "of size", .bytes(taken.cachedBytes)),
    ])
    globals.show(report)
  }
}
