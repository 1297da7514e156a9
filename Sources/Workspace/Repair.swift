import Catalog
package import Foundation
package import GRDB
package import Storage
package import Weights

/// What a repair of a store's content put back, and what is still damaged.
package struct Repair: Sendable {
  /// What was put back, or would be.
  package let healed: Healing.Result
  /// What is still wrong, or would be.
  package let faults: [Verification.Fault]

  /// Puts damaged and missing content back from what the store itself has, from its cache, and from
  /// other stores or files; then looks at everything.
  ///
  /// - Parameters:
  ///   - store: An open store.
  ///   - places: Backups and other stores, folders of files, files.
  ///   - dryRun: Whether to look only.
  ///   - decisions: What is wrong with the rows of Promotion, a room above.
  ///   - progress: Called with the bytes that are done and all of what goes on; a signal ends the
  ///     process after the last call.
  /// - Returns: What was healed; damage that stays is a fault and never an error.
  /// - Throws: `notFound`, `invalidInput` for a place; `unavailable` while content is in use.
  package static func run(
    _ store: Store, from places: [URL], dryRun: Bool = false,
    decisions: (Database) throws -> [Verification.Fault] = { _ in [] },
    progress: @escaping (Int64, Int64) -> Void = { _, _ in }
  ) throws -> Repair {
    let sources = try places.flatMap { try Self.sources(at: $0, beside: store) }
    defer { for case .store(let other) in sources { try? other.close() } }
    return try Interruption.deferring {
      try store.withoutContentUsers {
        try withContent(of: sources) {
          try heal(store, from: sources, dryRun: dryRun, decisions: decisions) { done, total in
            try Interruption.check()
            progress(done, total)
          }
        }
      }
    }
  }

  private static func heal(
    _ store: Store, from sources: [HealingSource], dryRun: Bool,
    decisions: (Database) throws -> [Verification.Fault],
    _ progress: @escaping (Int64, Int64) throws -> Void
  ) throws -> Repair {
    let cached = files(in: CachedFolder.root(of: store), skipping: [])
    // In the cache, gc takes what a killed process leaves.
    let aside = CachedFolder.root(of: store).appending(
      path: "\([UInt8].random(count: 8).hex).repair")
    var healing = Healing(
      store, named: try named(store), from: [.files(cached)] + sources, aside: aside,
      dryRun: dryRun, progress: progress)
    try healing.run()
    let healed = healing.result
    let total = try store.read(.weights) { try Blob.sizeBytesOfAll($0) }
    let found = try Verification.look(at: store, full: true, decisions: decisions) {
      try progress($0, total)
    }
    let left = dryRun ? found.faults.filter { !$0.isHealed(by: healed) } : found.faults
    return Repair(healed: healed, faults: left)
  }

  /// What the catalog names, with names by which an import cuts it.
  private static func named(_ store: Store) throws -> [Digest: Healing.Named] {
    try store.read { db in
      var named: [Digest: Healing.Named] = [:]
      for digest in try LiveBlobs.digests(db) {
        named[digest] = .init(name: "output", sizeBytes: nil)
      }
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT contentBlobDigest, path, sizeBytes FROM runArtifact
          UNION ALL SELECT contentBlobDigest, path, sizeBytes FROM versionFile
          """)
      for row in rows {
        let digest: Digest = try row.value("contentBlobDigest")
        let path: String = try row.value("path")
        guard (try? VersionFile.checkPath(path)) != nil else { continue }
        named[digest] = .init(name: path, sizeBytes: try row.value("sizeBytes"))
      }
      return named
    }
  }

  /// Another store where there is one, else files; the store itself is no source.
  private static func sources(at place: URL, beside store: Store) throws -> [HealingSource] {
    guard FileStatus(following: place.path) != nil else {
      throw RegistryError(.notFound, "no file or folder \(place.path)")
    }
    var sources: [HealingSource] = []
    if let folder = try? Store.find(from: place, named: place.path, environment: [:]) {
      if !isSame(folder, store.folder) {
        sources.append(.store(try Store.open(folder, .read)))
      } else if isSame(place, store.folder) {
        throw RegistryError(
          .invalidInput, "\(place.path) is the store itself",
          hint: "registry repair --from BACKUP")
      }
      if isSame(folder, place) { return sources }
    }
    if FileStatus(following: place.path)?.kind == .file { return sources + [.files([place])] }
    return sources + [.files(files(in: place, skipping: FolderFile.skipped))]
  }

  private static func files(in folder: URL, skipping skipped: Set<String>) -> [URL] {
    OutputFolder(folder.resolvingSymlinksInPath(), skipping: skipped).files
      .map { URL(filePath: String(decoding: $0.place, as: UTF8.self)) }
  }

  /// Whether two paths lead to one folder.
  private static func isSame(_ one: URL, _ other: URL) -> Bool {
    var (first, second) = (stat(), stat())
    return stat(one.path, &first) == 0 && stat(other.path, &second) == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Keeps gc of all other stores away.
  private static func withContent<Result>(
    of sources: [HealingSource], _ body: () throws -> Result
  ) throws -> Result {
    guard let first = sources.first else { return try body() }
    let rest = Array(sources.dropFirst())
    guard case .store(let other) = first else { return try withContent(of: rest, body) }
    return try other.withContent { try withContent(of: rest, body) }
  }
}

extension Verification.Fault {
  /// Whether all of it would be gone.
  fileprivate func isHealed(by healed: Healing.Result) -> Bool {
    if !blobs.isEmpty, healed.blobs.isSuperset(of: blobs) { return true }
    return !chunks.isEmpty && healed.chunks.isSuperset(of: chunks)
  }
}
