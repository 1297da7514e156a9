import Catalog
import Foundation
import GRDB
package import Storage
import Tracking
package import Weights

/// What gc took away, or would take.
package struct Collection: Sendable {
  /// Content that nothing names.
  package let content: Blob.Collected
  /// Folders of the cache that no run under way started from.
  package let cachedFolderCount: Int
  /// The space that these take.
  package let cachedBytes: Int64

  /// Takes away content that nothing names and cached folders that no run needs.
  ///
  /// - Parameters:
  ///   - store: An open store.
  ///   - dryRun: Whether to tell only.
  ///   - progress: Called with the bytes of records that are done.
  /// - Returns: What went, or would go.
  /// - Throws: `unavailable` while content is in use for a minute; `corrupt`: then nothing is taken.
  package static func run(
    _ store: Store, dryRun: Bool = false, progress: (Int64) -> Void = { _ in }
  ) throws -> Collection {
    try store.withoutContentUsers {
      let (live, keys) = try store.read { db in
        (try LiveBlobs.digests(db), try CachedFolder.keysInUse(db))
      }
      let content = try Blob.collect(live: live, in: store, dryRun: dryRun, progress: progress)
      let root = CachedFolder.root(of: store)
      let idle =
        FileStatus(following: root.path) == nil
        ? []
        : try FileStatus.names(in: root).filter {
          !keys.contains(CachedFolder.key(of: $0))
        }
      var bytes: Int64 = 0
      for name in idle {
        let folder = root.appending(path: name)
        bytes += FileStatus.sizeBytes(ofFolder: folder)
        if !dryRun { try remove(folder) }
      }
      return Collection(content: content, cachedFolderCount: idle.count, cachedBytes: bytes)
    }
  }

  private static func remove(_ folder: URL) throws(RegistryError) {
    do {
      try FileManager.default.removeItem(at: folder)
    } catch {
      throw RegistryError(.unavailable, "\(folder.path) cannot be removed")
    }
  }
}
