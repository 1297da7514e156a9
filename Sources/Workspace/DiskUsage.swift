package import Catalog
import Foundation
import GRDB
package import Storage
package import Weights

/// What a store costs on the disk.
package struct DiskUsage: Sendable {
  /// What each version costs, in order of creation.
  package let versions: [Entry]
  /// The catalog with its write-ahead log.
  package let catalogBytes: Int64
  /// The weights with their write-ahead log.
  package let weightsBytes: Int64
  /// The cached folders, which gc drops.
  package let cacheBytes: Int64
  /// Output and metrics of runs under way.
  package let spoolBytes: Int64

  /// What one version costs.
  package struct Entry: Sendable {
    /// The version.
    package let version: Version
    /// Logical, unique and shared bytes of its files.
    package let usage: Blob.Usage
  }

  /// All of it.
  package var totalBytes: Int64 { catalogBytes + weightsBytes + cacheBytes + spoolBytes }

  /// Measures a store.
  ///
  /// - Parameter store: An open store.
  /// - Throws: `corrupt` when a list of chunks is damaged.
  /// - Complexity: O(chunks of all versions).
  package init(_ store: Store) throws {
    versions = try store.withContent {
      let (versions, groups) = try store.read { db in
        let versions = try Version.list(db)
        return (versions, try versions.map { try $0.files(db).map(\.digest) })
      }
      let usages = try store.read(.weights) { try Blob.usage(of: groups, $0) }
      return zip(versions, usages).map(Entry.init)
    }
    catalogBytes = store.sizeBytes(.catalog)
    weightsBytes = store.sizeBytes(.weights)
    cacheBytes = FileStatus.sizeBytes(ofFolder: CachedFolder.root(of: store))
    spoolBytes = FileStatus.sizeBytes(ofFolder: store.folder.appending(path: "spool"))
  }
}
