package import Foundation
package import GRDB
package import Storage

/// A copy of a store in a new folder, which is itself a store's folder.
package struct Backup: Sendable {
  /// Where it is; `--store` takes it.
  package let folder: URL
  /// Both files together.
  package let sizeBytes: Int64

  /// Copies a store while it is in use: the catalog first, then the weights, so that all it names is there.
  ///
  /// The copy is made aside, opened, looked through and only then named; a signal takes it away.
  ///
  /// - Parameters:
  ///   - folder: A path at which nothing or an empty folder is.
  ///   - store: An open store.
  ///   - full: Whether all content of the copy is read.
  ///   - decisions: What is wrong with the rows of Promotion, a room above.
  ///   - progress: Called with the bytes of content that are looked through.
  /// - Returns: The copy.
  /// - Throws: `conflict` when something is there; `corrupt` when the copy has faults; `unavailable` when the disk refuses.
  package static func make(
    in folder: URL, of store: Store, full: Bool = true,
    decisions: (Database) throws -> [Verification.Fault] = { _ in [] },
    progress: (Int64) -> Void = { _ in }
  ) throws -> Backup {
    let folder = folder.standardizedFileURL.resolvingSymlinksInPath()
    try VersionExport.checkFree(folder)
    let aside = folder.deletingLastPathComponent()
      .appending(path: ".\([UInt8].random(count: 8).hex).partial")
    return try Interruption.deferring {
      do {
        let sizeBytes = try copy(store, to: aside) {
          try check($0, full: full, decisions, progress)
        }
        guard rename(aside.path, folder.path) == 0 else {
          try VersionExport.checkFree(folder)
          throw RegistryError(.unavailable, "\(folder.path) cannot be made")
        }
        try flush(folder.deletingLastPathComponent())
        return Backup(folder: folder, sizeBytes: sizeBytes)
      } catch {
        try? FileManager.default.removeItem(at: aside)
        throw error
      }
    }
  }

  /// Makes the copy, checks it and brings it to the disk; returns the size of both files.
  private static func copy(
    _ store: Store, to folder: URL, check: (URL) throws -> Int64
  ) throws -> Int64 {
    try VersionExport.makeFolder(folder)
    try store.withContent {
      for file in StoreFile.allCases {
        try store.copy(file, to: folder.appending(path: file.fileName).path)
      }
    }
    try Data("*\n".utf8).write(to: folder.appending(path: ".gitignore"))
    let sizeBytes = try check(folder)
    try Interruption.check()
    for name in try FileStatus.names(in: folder) { try flush(folder.appending(path: name)) }
    try flush(folder)
    return sizeBytes
  }

  /// Opens the copy and looks it through; returns the size of both files.
  private static func check(
    _ folder: URL, full: Bool, _ decisions: (Database) throws -> [Verification.Fault],
    _ progress: (Int64) -> Void
  ) throws -> Int64 {
    let copy = try Store.open(folder, .read)
    defer { try? copy.close() }
    let found = try Verification.run(
      copy, full: full, decisions: decisions,
      progress: { done in
        try Interruption.check()
        progress(done)
      })
    let faults = found.faults
    if let fault = faults.first {
      throw RegistryError(
        .corrupt,
        "the copy has \(faults.count) fault(s), the first: \(fault.subject): "
          + fault.message,
        hint: "registry verify --full")
    }
    return StoreFile.allCases.reduce(0) { $0 + copy.sizeBytes($1) }
  }

  /// Brings a file or folder to the disk.
  private static func flush(_ url: URL) throws(RegistryError) {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      throw RegistryError(
        .unavailable,
        "\(url.path) cannot be brought to the disk: \(String(cString: strerror(errno)))")
    }
  }
}
