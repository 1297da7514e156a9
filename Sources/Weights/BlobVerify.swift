package import GRDB
package import Storage

extension Blob {
  /// Looks for damage.
  ///
  /// The quick look checks that all rows fit together: references, places of records, chains,
  /// sizes of segments and files. The full one lets SQLite check every page, decodes every chunk
  /// to its digest, and hashes every blob once, front to back.
  ///
  /// - Parameters:
  ///   - store: An open store; the caller holds `withContent`.
  ///   - full: Whether to read all content.
  ///   - progress: Called with the bytes of files that are done; `sizeBytesOfAll` is where it ends;
  ///     may throw to stop.
  /// - Returns: What is wrong, each a `corrupt`; none when all is well.
  /// - Throws: `unavailable`; damage that keeps SQLite from reading on.
  package static func verify(
    _ store: Store, full: Bool, progress: (Int64) throws -> Void = { _ in }
  ) throws -> [RegistryError] {
    try store.read(.weights) { db in
      var faults = try rowFaults(db)
      let blobs = try list(db)
      for blob in blobs { faults += try blob.layoutFaults(db) }
      guard full else { return faults }
      faults += try pageFaults(db)
      var done: Int64 = 0
      for blob in blobs {
        faults += try blob.contentFaults(db)
        done &+= blob.sizeBytes
        try progress(done)
      }
      return faults + (try orphanFaults(of: blobs, db)).filter { !faults.contains($0) }
    }
  }

  /// The sizes of all files together, as `verify` counts its progress.
  package static func sizeBytesOfAll(_ db: Database) throws -> Int64 {
    try Int64.fetchOne(db, sql: "SELECT coalesce(sum(sizeBytes), 0) FROM blob") ?? 0
  }

  private static func fault(_ message: String) -> RegistryError {
    RegistryError(.corrupt, message, hint: "restore a backup")
  }

  private static func rowFaults(_ db: Database) throws -> [RegistryError] {
    var faults: [RegistryError] = []
    for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
      let table: String = try row.value(at: 0)
      let other: String = try row.value(at: 2)
      faults.append(fault("a row of \(table) names a \(other) that is missing"))
    }
    let misplaced = try Digest.fetchAll(
      db,
      sql: """
        SELECT chunk.digest FROM chunk JOIN pack ON pack.id = chunk.packId
        WHERE chunk.offset < 0 OR chunk.lengthBytes < 1
          OR chunk.offset + chunk.lengthBytes > length(pack.content)
          OR chunk.sizeBytes NOT BETWEEN 1 AND ? OR chunk.depth NOT BETWEEN 0 AND ?
        """, arguments: [Chunk.sizeBytesMax, Chunk.depthMax])
    faults += misplaced.map {
      fault("chunk \($0.short): its row is impossible, or its record outside its pack")
    }
    let broken = try Digest.fetchAll(
      db,
      sql: """
        SELECT chunk.digest FROM chunk JOIN chunk AS base ON base.id = chunk.baseChunkId
        WHERE chunk.depth <> base.depth + 1
        """)
    faults += broken.map { fault("chunk \($0.short): its chain of differences is broken") }
    let unfit = try Digest.fetchAll(
      db,
      sql: """
        SELECT chunk.digest FROM chunk JOIN chunk AS factor ON factor.id = chunk.factorChunkId
        WHERE factor.depth <> 0 OR chunk.baseChunkId IS NULL
        """)
    return faults + unfit.map { fault("chunk \($0.short): its factor is a difference") }
  }

  private static func pageFaults(_ db: Database) throws -> [RegistryError] {
    try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
      .map { fault("weights.sqlite is damaged: \($0)") }
  }

  private func layoutFaults(_ db: Database) throws -> [RegistryError] {
    let statement = try db.cachedStatement(sql: "SELECT sizeBytes FROM chunk WHERE id = ?")
    var faults: [RegistryError] = []
    var end: Int64 = 0
    do {
      for (position, stored) in try StoredSegment.list(blobId: id, db).enumerated() {
        let segment = stored.segment
        var isWhole = stored.position == position && segment.offset == end
        isWhole = isWhole && stored.chunkIds.count == segment.chunkCount
        for (index, chunkId) in stored.chunkIds.enumerated() where isWhole {
          let size = try Int.fetchOne(statement, arguments: [chunkId])
          isWhole = size == segment.sizeBytes(ofChunk: index)
        }
        if !isWhole {
          faults.append(Self.fault("blob \(digest.short): segment \(position) is not whole"))
        }
        end &+= segment.sizeBytes
      }
    } catch let error as RegistryError where error.kind == .corrupt {
      faults.append(Self.fault("blob \(digest.short): \(error.message)"))
    }
    if faults.isEmpty && end != sizeBytes {
      faults.append(Self.fault("blob \(digest.short): its segments have \(end) bytes"))
    }
    return faults
  }

  private func contentFaults(_ db: Database) throws -> [RegistryError] {
    var hasher = Digest.Hasher()
    do {
      try forEachPart(db) { chunks in
        for chunk in chunks { chunk.withUnsafeBytes { hasher.update($0) } }
      }
    } catch let error as RegistryError where error.kind == .corrupt {
      return [Self.fault("blob \(digest.short): \(error.message)")]
    }
    guard hasher.finalize() != digest else { return [] }
    return [Self.fault("blob \(digest.short): digest of the file differs")]
  }

  /// Decodes the chunks that no blob has: an interrupted import leaves them, and the next one
  /// uses them.
  private static func orphanFaults(of blobs: [Blob], _ db: Database) throws -> [RegistryError] {
    var held: Set<Int64> = []
    for blob in blobs {
      let lists = (try? StoredSegment.list(blobId: blob.id, db).map(\.chunkIds)) ?? []
      held.formUnion(lists.joined())
    }
    var faults: [RegistryError] = []
    for id in try Int64.fetchAll(db, sql: "SELECT id FROM chunk ORDER BY id")
    where !held.contains(id) {
      do {
        _ = try Chunk.contents(of: [id], db)
      } catch let error as RegistryError where error.kind == .corrupt {
        faults.append(fault(error.message))
      }
    }
    return faults
  }
}
