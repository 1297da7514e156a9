import GRDB
package import Storage

extension Blob {
  /// What was taken away, or would be.
  package struct Collected: Sendable, Equatable {
    /// Blobs that nothing names.
    package var blobCount = 0
    /// Chunks that no blob and no difference needs.
    package var chunkCount = 0
    /// The bytes of their records.
    package var freedBytes: Int64 = 0
  }

  /// Takes away blobs that nothing names and chunks that nothing needs, and gives their space back.
  ///
  /// The caller holds `Store.withoutContentUsers`. Each transaction leaves everything that is
  /// live readable, so the process may end at any point; the next call goes on.
  ///
  /// - Parameters:
  ///   - live: The digests of all blobs to keep.
  ///   - store: An open store.
  ///   - dryRun: Whether to count only.
  ///   - progress: Called with the bytes of records that are done.
  /// - Returns: What was taken away.
  /// - Throws: `corrupt` when a list of chunks is damaged: then nothing is taken; `unavailable`.
  package static func collect(
    live: Set<Digest>, in store: Store, dryRun: Bool = false, progress: (Int64) -> Void = { _ in }
  ) throws -> Collected {
    let (blobs, dead) = try store.read(.weights) { db in
      let blobs = try list(db).filter { !live.contains($0.digest) }
      let needed = try ChunkNeeds(db)
        .chunkIds(ofBlobs: try list(db).filter { live.contains($0.digest) }, db)
      return (blobs, try ChunkNeeds.all(db).filter { !needed.contains($0.key) })
    }
    var collected = Collected(blobCount: blobs.count)
    collected.chunkCount = dead.count
    collected.freedBytes = dead.values.reduce(0, +)
    guard !dryRun else { return collected }
    try delete(blobs, chunkIds: Set(dead.keys), in: store, progress)
    return collected
  }

  /// Takes blobs away, with the chunks that were needed by nothing else.
  ///
  /// The caller holds `Store.withoutContentUsers` and knows that nothing names the blobs. Chunks
  /// that others are differences to stay until `collect`.
  ///
  /// - Parameters:
  ///   - digests: Which; those that are not here do no harm.
  ///   - store: An open store.
  /// - Returns: What was taken away.
  /// - Throws: `corrupt` when a list of chunks is damaged: then nothing is taken; `unavailable`.
  @discardableResult
  package static func remove(_ digests: [Digest], in store: Store) throws -> Collected {
    let (blobs, dead) = try store.read(.weights) { db in
      let blobs = try Set(digests).compactMap { try find($0, db) }
      let gone = Set(blobs.map(\.id))
      let needs = try ChunkNeeds(db)
      let candidates = try needs.chunkIds(ofBlobs: blobs, db)
      let needed = try needs.chunkIds(ofBlobs: try list(db).filter { !gone.contains($0.id) }, db)
      // Chunks that no blob needs yet may be differences to a candidate.
      let bases = try needs.bases(ofAllBut: candidates)
      let all = try ChunkNeeds.all(db)
      return (
        blobs,
        all.filter { id, _ in
          candidates.contains(id) && !needed.contains(id) && !bases.contains(id)
        }
      )
    }
    var collected = Collected(blobCount: blobs.count)
    collected.chunkCount = dead.count
    collected.freedBytes = dead.values.reduce(0, +)
    try delete(blobs, chunkIds: Set(dead.keys), in: store) { _ in }
    return collected
  }

  private static func delete(
    _ blobs: [Blob], chunkIds: Set<Int64>, in store: Store, _ progress: (Int64) -> Void
  ) throws {
    try store.write(.weights) { db in
      for blob in blobs {
        try db.execute(sql: "DELETE FROM blob WHERE id = ?", arguments: [blob.id])
      }
      try db.execute(sql: "PRAGMA defer_foreign_keys = ON")  // a base may go before its differences
      let statement = try db.cachedStatement(sql: "DELETE FROM chunk WHERE id = ?")
      for id in chunkIds { try statement.execute(arguments: [id]) }
    }
    try Pack.rewriteSparse(in: store, progress)
    try giveBackSpace(of: store)
  }

  /// Gives free pages back to the disk in steps of 4 MiB, since a page that moves is first written
  /// to the log: one step for all would need as much space as it frees.
  static func giveBackSpace(of store: Store) throws {
    var freeCount = Int.max
    while true {
      let left = try store.writeWithoutTransaction(.weights) { db in
        try db.execute(sql: "PRAGMA incremental_vacuum(256)")
        return try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
      }
      try store.checkpoint(.weights)
      guard left > 0, left < freeCount else { return }
      freeCount = left
    }
  }
}
