package import Catalog
package import Foundation
import GRDB
package import Storage
import Weights

/// What an export wrote.
package struct VersionExport: Sendable {
  /// What the files are of, as a reference: a version, or a run with which they stayed.
  package let reference: String
  /// What was written, under the folder.
  package let files: [VersionFile]
  /// The folder that was given, with links resolved.
  package let folder: URL

  /// Writes a version's files to a new or empty folder, complete or not at all; or one file into a folder.
  ///
  /// - Parameters:
  ///   - reference: A version; or one file of it or of a run, which may go to a folder that has others.
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
      if reference.namesFile {
        let found = try store.read { try reference.file($0) }
        try writeFiles([found.file], into: folder, from: store, progress)
        return VersionExport(reference: found.holder, files: [found.file], folder: folder)
      }
      let (version, files) = try store.read { db in
        let version = try reference.version(db)
        return (version, try version.files(db))
      }
      try writeFolder(files, to: folder, from: store, progress)
      return VersionExport(reference: version.reference, files: files, folder: folder)
    }
  }

  /// Makes a folder aside and gives it its name when it is complete.
  ///
  /// A folder that is there already stays the one it is, with its mode, its mount and whoever works in
  /// it: what is complete aside is moved up into it.
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
    let isThere = FileStatus(following: folder.path) != nil
    let name = ".\([UInt8].random(count: 8).hex).partial"
    let aside = (isThere ? folder : folder.deletingLastPathComponent()).appending(path: name)
    do {
      try makeFolder(aside)
      try writeFiles(files, into: aside, from: store, progress)
      try finish(aside)
      if isThere {
        try moveUp(aside, into: folder)
      } else {
        try move(aside, to: folder)
      }
    } catch {
      try? FileManager.default.removeItem(at: aside)
      throw error
    }
  }

  /// Gives what is complete its name.
  private static func move(_ complete: URL, to place: URL) throws(RegistryError) {
    guard rename(complete.path, place.path) != 0 else { return }
    let reason = errno
    try checkFree(place)
    throw RegistryError(
      .unavailable, "\(place.path) cannot be made: \(String(cString: strerror(reason)))")
  }

  /// Moves what is in a complete folder up into the folder around it, which has nothing else.
  private static func moveUp(_ aside: URL, into folder: URL) throws(RegistryError) {
    try checkFree(folder, but: aside.lastPathComponent)
    var moved: [URL] = []
    do throws(RegistryError) {
      for name in try FileStatus.names(in: aside) {
        let place = folder.appending(path: name)
        try move(aside.appending(path: name), to: place)
        moved.append(place)
      }
    } catch {
      for place in moved { try? FileManager.default.removeItem(at: place) }
      throw error
    }
    try? FileManager.default.removeItem(at: aside)
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

  static func checkFree(_ folder: URL, but own: String? = nil) throws(RegistryError) {
    guard let status = FileStatus(following: folder.path) else { return }
    guard status.kind == .folder,
      try FileStatus.names(in: folder).allSatisfy({ $0 == own })
    else {
      throw RegistryError(
        .conflict, "\(folder.path) is there and not an empty folder", hint: "name a new folder")
    }
  }
}
