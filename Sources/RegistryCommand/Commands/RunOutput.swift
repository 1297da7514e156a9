import Foundation
import Runner
import Storage
import Tracking
import Weights
import Workspace

/// The complete output of a run's command: from the spool while it runs, from the store afterwards.
struct RunOutput {
  private let globals: Globals

  init(_ globals: Globals) {
    self.globals = globals
  }

  func show(_ reference: String, _ store: Store) throws {
    let (run, digest) = try store.read { db in
      let run = try Reference(reference).run(db)
      return (run, try RunSource.get(run, db).outputBlobDigest)
    }
    if let digest { return try showStored(digest, store) }
    let spool = Spool(run.id, store)
    guard spool.exists, let file = FileHandle(forReadingAtPath: spool.outputPath) else {
      throw RegistryError(
        .notFound, "run \(run.id.short) has no output",
        hint: "registry run show \(run.id.short)")
    }
    try show(file)
  }

  /// Goes through a file, so that memory does not grow with what a command printed.
  private func showStored(_ digest: Digest, _ store: Store) throws {
    let aside = FileManager.default.temporaryDirectory
      .appending(path: "registry-output-\([UInt8].random(count: 8).hex)")
    defer { try? FileManager.default.removeItem(at: aside) }
    try store.withContent { try Blob.export(digest, to: aside, from: store) }
    guard let file = FileHandle(forReadingAtPath: aside.path) else {
      throw RegistryError(.unavailable, "\(aside.path) cannot be read")
    }
    unlink(aside.path)  // also gone when this process is ended
    try show(file)
  }

  private func show(_ file: FileHandle) throws {
    while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
      guard piece.withUnsafeBytes({ globals.output.write($0) }) else { return }
    }
  }
}
