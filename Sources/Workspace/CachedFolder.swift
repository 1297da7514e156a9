package import Catalog
package import Foundation
import GRDB
package import Storage
package import Tracking

extension VersionExport {
  /// The folder of a version, made or checked now; its files may only be read.
  ///
  /// A script that runs as root can write into it, so every file is hashed before each use. One that
  /// is not what it was is taken away, unless another run under way started from it: then a fresh one
  /// is made beside it.
  ///
  /// - Parameters:
  ///   - version: The version.
  ///   - run: The run that is to start from it.
  ///   - store: An open store; the caller holds `withContent`.
  /// - Returns: A folder with exactly the version's files.
  /// - Throws: `corrupt`; `unavailable` when the disk refuses.
  package static func cachedFolder(
    _ version: Version, for run: RunID? = nil, _ store: Store
  ) throws -> URL {
    let files = try store.read { try version.files($0) }
    let key = CachedFolder.key(of: files)
    let found = try CachedFolder.folders(of: key, in: store)
    if let intact = found.first(where: { CachedFolder.isIntact($0, files) }) { return intact }
    try CachedFolder.discard(found, of: key, for: run, in: store)
    let root = CachedFolder.root(of: store)
    let names = [key.hex, "\(key.hex).\([UInt8].random(count: 8).hex)"]
    for folder in names.map({ root.appending(path: $0) }) {
      do {
        try writeFolder(files, to: folder, from: store, finish: CachedFolder.makeReadOnly)
        return folder
      } catch let error as RegistryError where error.kind == .conflict {
        if CachedFolder.isIntact(folder, files) { return folder }  // another process was faster
      }
    }
    throw RegistryError(.conflict, "the cache of \(version.reference) is being written by others")
  }
}

/// The folders of versions' files inside the store, from which runs start.
enum CachedFolder {
  /// Where a store keeps them.
  static func root(of store: Store) -> URL { store.folder.appending(path: "cache") }

  /// What a version's folders are called, before a dot: the digest of its paths and digests.
  static func key(of files: [VersionFile]) -> Digest {
    var hasher = Digest.Hasher()
    for file in files.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
      let entry = Array(file.path.utf8) + [0] + file.digest.bytes
      entry.withUnsafeBytes { hasher.update($0) }
    }
    return hasher.finalize()
  }

  /// The key of the version that a name in the cache is of.
  static func key(of name: String) -> String { String(name.prefix { $0 != "." }) }

  /// All folders of a version, whatever is in them.
  fileprivate static func folders(of key: Digest, in store: Store) throws -> [URL] {
    let root = root(of: store)
    guard FileStatus(following: root.path) != nil else { return [] }
    return try FileStatus.names(in: root).filter { Self.key(of: $0) == key.hex }
      .map { root.appending(path: $0) }
  }

  /// The keys of what runs under way started from.
  static func keysInUse(but run: RunID? = nil, _ db: Database) throws -> Set<String> {
    let runs = try Run.list(statuses: [.running, .scheduled], db).filter { $0.id != run }
    let versions = try Set(runs.compactMap(\.baseVersionId)).compactMap {
      try Version.find(id: $0, db)
    }
    return Set(try versions.map { key(of: try $0.files(db)).hex })
  }

  /// Whether a folder has exactly these files with exactly their bytes.
  fileprivate static func isIntact(_ folder: URL, _ files: [VersionFile]) -> Bool {
    guard let status = FileStatus(following: folder.path), status.kind == .folder, !status.isLink,
      let found = try? FolderFile.list(folder, skipping: []), found.count == files.count
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

  /// Takes damaged folders away unless another run under way may work in them.
  fileprivate static func discard(
    _ folders: [URL], of key: Digest, for run: RunID?, in store: Store
  ) throws {
    guard !folders.isEmpty else { return }
    // A run is added under the write lock and looks for its folder afterwards: it is seen here, or
    // it finds nothing.
    let trash = try store.write { db in
      guard try !keysInUse(but: run, db).contains(key.hex) else { return [] as [URL] }
      return folders.compactMap { folder in
        let trash = folder.deletingLastPathComponent()
          .appending(path: ".\([UInt8].random(count: 8).hex).old")
        return rename(folder.path, trash.path) == 0 ? trash : nil
      }
    }
    for folder in trash { try? FileManager.default.removeItem(at: folder) }
  }

  fileprivate static func makeReadOnly(_ folder: URL) throws {
    for file in try FolderFile.list(folder, skipping: []) {
      guard chmod(file.url.path, 0o444) == 0 else {
        throw RegistryError(.unavailable, "\(file.url.path) cannot be made read-only")
      }
    }
  }
}
