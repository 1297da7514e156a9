import GRDB
import Storage

/// Collects new records of chunks and commits them a pack or so at a time.
struct RebaseWriter {
  private static let recordBytesMax = Pack.sizeBytesMax
  private static let contentBytesMax = 32 << 20

  private let store: Store
  private let isDryRun: Bool
  private var pending: [Rebase] = []
  private var recordBytes = 0
  private var contentBytes = 0

  /// Begins one; a dry run writes nothing.
  init(_ store: Store, isDryRun: Bool) {
    self.store = store
    self.isDryRun = isDryRun
  }

  /// Takes new records; an earlier one may be the base of a later one.
  mutating func add(_ rebases: [Rebase]) throws {
    pending += rebases
    recordBytes += rebases.reduce(0) { $0 + $1.record.count }
    contentBytes += rebases.reduce(0) { $0 + $1.chunk.sizeBytes }
    if recordBytes >= Self.recordBytesMax || contentBytes >= Self.contentBytesMax { try flush() }
  }

  /// Writes what waits in one transaction, which is taken back unless every chunk that it touched
  /// still gives its content.
  mutating func flush() throws {
    defer {
      pending.removeAll()
      recordBytes = 0
      contentBytes = 0
    }
    guard !pending.isEmpty, !isDryRun else { return }
    try store.checkSpace(forBytes: Int64(recordBytes))
    try store.write(.weights) { db in
      for (rebase, place) in zip(pending, try Pack.insert(pending.map(\.record), db)) {
        try Chunk.move(
          rebase.chunk.id, to: place, lengthBytes: rebase.record.count, baseId: rebase.baseId, db)
      }
      let ids = pending.map(\.chunk.id)
      for start in stride(from: 0, to: ids.count, by: 8) {
        _ = try Chunk.contents(of: Array(ids[start..<min(start + 8, ids.count)]), db)
      }
    }
  }
}

extension Chunk {
  /// Points a chunk to another record of its content, and all that build on it to their new depth.
  static func move(
    _ id: Int64, to place: Pack.Place, lengthBytes: Int, baseId: Int64?, _ db: Database
  ) throws {
    try db.cachedStatement(
      sql: """
        UPDATE chunk SET packId = ?1, offset = ?2, lengthBytes = ?3, baseChunkId = ?4,
          depth = coalesce((SELECT depth + 1 FROM chunk WHERE id = ?4), 0)
        WHERE id = ?5
        """
    ).execute(arguments: [place.packId, place.offset, lengthBytes, baseId, id])
    try db.cachedStatement(
      sql: """
        WITH RECURSIVE later (id, depth) AS (
          SELECT id, depth FROM chunk WHERE id = ?1
          UNION ALL
          SELECT chunk.id, later.depth + 1 FROM chunk JOIN later ON chunk.baseChunkId = later.id
          WHERE later.depth < ?2
        )
        UPDATE chunk SET depth = later.depth FROM later WHERE chunk.id = later.id
        """
    ).execute(arguments: [id, depthMax])
  }
}
