import ArgumentParser
import Foundation
import Promotion
import Storage
import Weights
import Workspace

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Looks for damage: rows, the chain of events, content (exit 7).",
    discussion: """
      Examples:
        registry verify
        registry verify --full
        registry verify --full --json

      What is damaged is told by file and tensor; registry repair heals it from a backup, or from
      a folder that has the same files.
      """)

  @Flag(help: "Reads all content and checks every digest.") var full = false
  @OptionGroup var globals: Globals

  func run() throws {
    let found = try globals.reading { store in
      let progress = Progress("verifying", .bytes, globals)
      defer { progress.end() }
      let total = full ? try store.read(.weights) { try Blob.sizeBytesOfAll($0) } : 0
      return try Verification.run(store, full: full, decisions: Promotion.faults) {
        progress.update(done: $0, total: total)
      }
    }
    var report = Report("verification")
    report.add([
      .init("isFull", "looked at", .structure(.bool(full), text: full ? "everything" : "rows")),
      .init("blobCount", "files", .init(found.blobCount)),
      .init("eventCount", "events", .init(found.eventCount)),
      .init("faultCount", "faults", .init(found.faults.count), found.faults.isEmpty ? .good : .bad),
    ])
    let table = FaultTable.of(found.faults)
    report.add(table, title: found.faults.isEmpty ? nil : "faults")
    if found.faults.isEmpty { report.line(.init("✓ ", .good), .init("no fault")) }
    if found.faults.isEmpty, !full { report.next = "registry verify --full reads all content" }
    globals.show(report)
    guard !found.faults.isEmpty else { return }
    throw FaultTable.error(found.faults, full: full)
  }
}

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copies the store, while it is in use, to a new folder.",
    discussion: """
      Examples:
        registry backup /mnt/backup/2026-11-23
        registry --store /mnt/backup/2026-11-23 model ls
      """)

  @Argument(help: "The folder, which must not exist.", completion: .directory) var dir: String
  @OptionGroup var globals: Globals

  func run() throws {
    let backup = try globals.reading { store in
      let progress = Progress("checking the copy", .bytes, globals)
      defer { progress.end() }
      let total = try store.read(.weights) { try Blob.sizeBytesOfAll($0) }
      return try Backup.make(in: URL(filePath: dir), of: store, decisions: Promotion.faults) {
        progress.update(done: $0, total: total)
      }
    }
    var report = Report("backup")
    report.add([
      .init("folder", "backup", .text(backup.folder.path)),
      .init("sizeBytes", "size", .bytes(backup.sizeBytes)),
    ])
    report.next = "registry --store \(ShellWords.text([dir])) verify --full"
    globals.show(report)
  }
}
