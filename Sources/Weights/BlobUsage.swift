package import GRDB
package import Storage

extension Blob {
  /// What a group of blobs, such as the files of a version, costs.
  package struct Usage: Sendable, Equatable {
    /// The sizes of its files, each blob once.
    package let logicalBytes: Int64
    /// The records that nothing else in the store needs: what its removal would free.
    package let uniqueBytes: Int64
    /// The records that it needs and something else needs too.
    package let sharedBytes: Int64
  }

  /// Tells what groups of blobs cost.
  ///
  /// - Parameters:
  ///   - groups: The digests of each group's blobs; those that are not here count nothing.
  ///   - db: An open read of the weights.
  /// - Returns: One usage a group, in the same order. Blobs of no group count as one group more.
  /// - Throws: `corrupt` when a list of chunks is damaged.
  /// - Complexity: O(chunks of all groups); each blob is read once.
  package static func usage(of groups: [[Digest]], _ db: Database) throws -> [Usage] {
    let blobs = Dictionary(
      try list(db).map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
    let needs = try ChunkNeeds(db)
    let lengths = try ChunkNeeds.all(db)
    let needsOf = try blobs.mapValues { try needs.chunkIds(ofBlobs: [$0], db) }
    let others = Set(blobs.keys).subtracting(groups.joined())
    let needed = (groups.map(Set.init) + [others]).map { digests in
      digests.reduce(into: Set<Int64>()) { $0.formUnion(needsOf[$1] ?? []) }
    }
    var users: [Int64: Int] = [:]
    for ids in needed { for id in ids { users[id, default: 0] += 1 } }
    return zip(groups, needed).map { digests, ids in
      var unique: Int64 = 0
      var shared: Int64 = 0
      for id in ids {
        if users[id] == 1 { unique += lengths[id] ?? 0 } else { shared += lengths[id] ?? 0 }
      }
      let logical = Set(digests).reduce(Int64(0)) { $0 &+ (blobs[$1]?.sizeBytes ?? 0) }
      return Usage(logicalBytes: logical, uniqueBytes: unique, sharedBytes: shared)
    }
  }
}
