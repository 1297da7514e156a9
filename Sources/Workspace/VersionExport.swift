package import Catalog
package import Foundation
import GRDB
package import Storage
import Weights

/// What an export wrote.
package struct VersionExport: Sendable {
  /// The version.
  package let version: Version
  /// What was written, under the folder.
  package let files: [VersionFile]
  /// The folder that was given, with links resolved.
  package let folder: URL

  /// Writes a version's files to a new or empty folder, complete or not at all; or one file into a folder.
  ///
  /// - Parameters:
  ///   - reference: A version, or with `//path` one file of it, which may go to a folder that has others.
  ///   - folder: Where to.
  ///   - store: An open store.
  ///   - progress: Called as bytes are done.
  /// - Returns: What was written, byte for byte what was imported.
  /// - Throws: `conflict` when the folder or the file is there already; `notFound`; `corrupt`; `unavailable`.
  package static func write(
    _ reference: Reference, to folder: URL, from store: Store,
    progress: (VersionImport.Progress) -> Void = { _ in }
  ) throws -> VersionExport {
    let folder = folder.standardizedFileURL.resolvingSymlinksInPath()
    return try store.withContent {
      if reference.path != nil {
        let (version, file) = try store.read { try reference.file($0) }
        try writeFiles([file], into: folder, from: store, progress)
        return VersionExport(version: version, files: [file], folder: folder)
      }
      let (version, files) = try store.read { db in
        let version = try reference.version(db)
        return (version, try version.files(db))
      }
      try writeFolder(files, to: folder, from: store, progress)
      return VersionExport(version: version, files: files, folder: folder)
    }
  }

  /// Makes a folder aside and gives it its name when it is complete.
  ///
  /// - Parameters:
  ///   - files: What to write.
  ///   - folder: A path at which nothing or an empty folder is.
  ///   - store: An open store; the caller holds `withContent`.
  ///   - progress: Called as bytes are done.
  ///   - finish: What to do to the complete folder before it gets its name.
  /// - Throws: `conflict` when something is there; `corrupt`; `unavailable`.
  static func writeFolder(
    _ files: [VersionFile], to folder: URL, from store: Store,
    _ progress: (VersionImport.Progress) -> Void = { _ in }, finish: (URL) throws -> Void = { _ in }
  ) throws {
    try checkFree(folder)
    let parent = folder.deletingLastPathComponent()
    let aside = parent.appending(path: ".\([UInt8].random(count: 8).hex).partial")
    do {
      try makeFolder(aside)
      try writeFiles(files, into: aside, from: store, progress)
      try finish(aside)
      guard rename(aside.path, folder.path) == 0 else {
        let reason = errno
        try checkFree(folder)
        throw RegistryError(
          .unavailable, "\(folder.path) cannot be made: \(String(cString: strerror(reason)))")
      }
    } catch {
      try? FileManager.default.removeItem(at: aside)
      throw error
    }
  }

  /// Writes files under a folder, which is made where needed; each is complete or not there.
  private static func writeFiles(
    _ files: [VersionFile], into folder: URL, from store: Store,
    _ progress: (VersionImport.Progress) -> Void
  ) throws {
    let totalBytes = files.reduce(0) { $0 + $1.sizeBytes }
    var doneBytes: Int64 = 0
    for file in files {
      try VersionFile.checkPath(file.path)  // a damaged row must not lead out of the folder
      let target = folder.appending(path: file.path)
      try makeFolder(target.deletingLastPathComponent())
      try Blob.export(file.digest, to: target, from: store) { done in
        progress(.init(path: file.path, doneBytes: doneBytes + done, totalBytes: totalBytes))
      }
      doneBytes += file.sizeBytes
    }
  }

  static func makeFolder(_ folder: URL) throws(RegistryError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw RegistryError(.unavailable, "the folder \(folder.path) cannot be made")
    }
  }

  static func checkFree(_ folder: URL) throws(RegistryError) {
    guard let status = FileStatus(following: folder.path) else { return }
    guard status.kind == .folder, try FileStatus.names(in: folder).isEmpty else {
      throw RegistryError(
        .conflict, "\(folder.path) is there and not an empty folder", hint: "name a new folder")
    }
  }
}
