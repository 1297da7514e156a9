package import Catalog
package import Foundation
import GRDB
package import Storage

extension VersionExport {
  /// The folder of a version, made or checked now; its files may only be read.
  ///
  /// A script that runs as root can write into it, so every file is hashed before each use, and a folder that is not
  /// what it was is made anew.
  ///
  /// - Parameters:
  ///   - version: The version.
  ///   - store: An open store; the caller holds `withContent`.
  /// - Returns: A folder with exactly the version's files.
  /// - Throws: `corrupt`; `unavailable` when the disk refuses.
  package static func cachedFolder(_ version: Version, _ store: Store) throws -> URL {
    let files = try store.read { try version.files($0) }
    let folder = CachedFolder.root(of: store).appending(path: CachedFolder.key(of: files).hex)
    if CachedFolder.isIntact(folder, files) { return folder }
    if FileStatus(following: folder.path) != nil, try !CachedFolder.discard(folder, files) {
      return folder
    }
    do {
      try writeFolder(files, to: folder, from: store, finish: CachedFolder.makeReadOnly)
    } catch let error as RegistryError where error.kind == .conflict {
      guard CachedFolder.isIntact(folder, files) else { throw error }  // another process was faster
    }
    return folder
  }
}

/// The folders of versions' files inside the store, from which runs start.
enum CachedFolder {
  /// Where a store keeps them.
  static func root(of store: Store) -> URL { store.folder.appending(path: "cache") }

  /// What a version's folder is called: the digest of its paths and digests.
  static func key(of files: [VersionFile]) -> Digest {
    var hasher = Digest.Hasher()
    for file in files.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
      let entry = Array(file.path.utf8) + [0] + file.digest.bytes
      entry.withUnsafeBytes { hasher.update($0) }
    }
    return hasher.finalize()
  }

  /// Whether a folder has exactly these files with exactly their bytes.
  fileprivate static func isIntact(_ folder: URL, _ files: [VersionFile]) -> Bool {
    guard let status = FileStatus(following: folder.path), status.kind == .folder, !status.isLink,
      let found = try? FolderFile.list(folder), found.count == files.count
    else { return false }
    return zip(found, files).allSatisfy { found, file in
      found.path.utf8.elementsEqual(file.path.utf8) && found.sizeBytes == file.sizeBytes
        && FileStatus(following: found.url.path)?.isLink == false
        && (try? digest(of: found.url)) == file.digest
    }
  }

  private static func digest(of file: URL) throws -> Digest {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    var hasher = Digest.Hasher()
    while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
      part.withUnsafeBytes { hasher.update($0) }
    }
    return hasher.finalize()
  }

  /// Takes a damaged folder away; false when another process has made it anew meanwhile.
  fileprivate static func discard(_ folder: URL, _ files: [VersionFile]) throws -> Bool {
    let trash = folder.deletingLastPathComponent()
      .appending(path: "\([UInt8].random(count: 8).hex).old")
    guard rename(folder.path, trash.path) == 0 else { return true }
    if isIntact(trash, files), rename(trash.path, folder.path) == 0 { return false }
    try? FileManager.default.removeItem(at: trash)
    return true
  }

  fileprivate static func makeReadOnly(_ folder: URL) throws {
    for file in try FolderFile.list(folder) {
      guard chmod(file.url.path, 0o444) == 0 else {
        throw RegistryError(.unavailable, "\(file.url.path) cannot be made read-only")
      }
    }
  }
}
