import Storage
import Workspace

/// What is wrong with a store, as a list and as the error that a command ends with.
enum FaultTable {
  static func of(_ faults: [Verification.Fault]) -> Table {
    var table = Table(
      "faults",
      [
        .init("kind", pinned: true), .init("subject", "what", pinned: true),
        .init("message", "fault", pinned: true, flexible: true), .init("files", "in"),
        .init("tensors", hidden: true), .init("chunks", hidden: true),
      ])
    for fault in faults {
      let count = fault.files.count
      table.add(
        .text(fault.kind), .text(fault.subject), .text(fault.message),
        .list(fault.files, text: "\(count) \(count == 1 ? "file" : "files")"),
        .list(fault.tensors), .list(fault.chunks.map(\.hex)))
    }
    return table
  }

  static func error(_ faults: [Verification.Fault], full: Bool) -> RegistryError {
    let canHeal = faults.contains { ["weights", "blob"].contains($0.kind) }
    let next = canHeal ? "registry repair --from BACKUP" : "restore a backup"
    return RegistryError(
      .corrupt, "the store has \(faults.count) fault\(faults.count == 1 ? "" : "s")",
      hint: full ? next : "registry verify --full, then \(next)")
  }
}
