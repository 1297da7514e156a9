import Foundation
import GRDB
import Storage

/// What a store can put right by itself: rows that are damaged while the content they stand for is
/// here, which the digest of a file proves.
enum OwnRows {
  /// Puts indexes, depths of chains and digests of chunks right; returns how many.
  static func mend(_ inspection: Inspection, in store: Store) throws -> Int {
    var count = inspection.pageFaultCount > 0 ? try mendIndexes(inspection, in: store) : 0
    guard !inspection.damage.messages.isEmpty else { return count }
    count += try store.write(.weights) { try mendDepths($0) }
    count += try store.write(.weights) { try mendDigests(inspection, $0) }
    return count
  }

  /// Makes indexes anew; 0 when that does not make SQLite content.
  private static func mendIndexes(_ inspection: Inspection, in store: Store) throws -> Int {
    do {
      let left = try store.write(.weights) { db in
        try db.execute(sql: "REINDEX")
        return try Inspection.pageFaults(db).count
      }
      return left < inspection.pageFaultCount ? 1 : 0
    } catch let error as RegistryError where error.kind == .corrupt {
      return 0
    }
  }

  /// Counts the depths of chains anew; a chain whose depths were wrong could not be read at all.
  private static func mendDepths(_ db: Database) throws -> Int {
    try db.execute(
      sql: """
        WITH RECURSIVE chain (id, depth) AS (
          SELECT id, 0 FROM chunk WHERE baseChunkId IS NULL
          UNION ALL
          SELECT chunk.id, chain.depth + 1 FROM chunk JOIN chain ON chunk.baseChunkId = chain.id
          WHERE chain.depth < ?
        )
        UPDATE chunk SET depth = chain.depth FROM chain
        WHERE chunk.id = chain.id AND chunk.depth <> chain.depth
        """, arguments: [Chunk.depthMax])
    return db.changesCount
  }

  /// Corrects digests of chunks where the file that they are in has its own.
  private static func mendDigests(_ inspection: Inspection, _ db: Database) throws -> Int {
    var count = 0
    for blob in try Blob.readable(db) where !inspection.broken.contains(blob.digest) {
      let ids = (try? chunkIds(ofBlob: blob.id, db)) ?? []
      let doubted = ids.filter { inspection.damage.messages[$0] != nil }
      guard !doubted.isEmpty, try digest(of: ids, db) == blob.digest else { continue }
      for id in Set(doubted) {
        guard let content = try Chunk.contents(of: [id], isChecked: false, db).first else {
          continue
        }
        let digest = Digest(of: content)
        try db.execute(
          sql: "UPDATE OR IGNORE chunk SET digest = ? WHERE id = ? AND digest <> ?",
          arguments: [digest, id, digest])
        count += db.changesCount
      }
    }
    return count
  }

  /// Writes a file whose rows are damaged from chunks that still give it; false when none do.
  ///
  /// Lists of damaged files count, and those of no file: the row of a file may be lost or wrong.
  static func write(
    _ wanted: Digest, broken: Set<Digest>, to place: URL, from store: Store
  ) throws -> Bool {
    try store.read(.weights) { db in
      let owners = try Row.fetchAll(
        db,
        sql: """
          SELECT DISTINCT segment.blobId, blob.digest
          FROM segment LEFT JOIN blob ON blob.id = segment.blobId
          """)
      for row in owners {
        let blobId: Int64 = try row.value("blobId")
        let owner: Digest? = try? row.value("digest")
        if let owner, !broken.contains(owner) { continue }
        guard let ids = try? chunkIds(ofBlob: blobId, db), try digest(of: ids, db) == wanted
        else { continue }
        guard FileManager.default.createFile(atPath: place.path, contents: nil),
          let file = FileHandle(forWritingAtPath: place.path)
        else { throw RegistryError(.unavailable, "\(place.path) cannot be written") }
        defer { try? file.close() }
        try forEach(ids, db) { try file.write(contentsOf: $0) }
        return true
      }
      return false
    }
  }

  /// Takes rows away that cannot be read and that nothing needs; returns how many.
  static func discard(
    _ inspection: Inspection, named: Set<Digest>, in store: Store
  ) throws -> Int {
    try store.write(.weights) { db in
      var count = 0
      for digest in inspection.broken.subtracting(named) {
        try db.execute(sql: "DELETE FROM blob WHERE digest = ?", arguments: [digest])
        count += db.changesCount
      }
      try db.execute(sql: "DELETE FROM segment WHERE blobId NOT IN (SELECT id FROM blob)")
      count += db.changesCount
      let unreadable = Set(inspection.damage.messages.keys)
      let needs = try ChunkNeeds(db)
      guard let held = try? needs.chunkIds(ofBlobs: try Blob.list(db), db) else { return count }
      let bases = try needs.bases(ofAllBut: unreadable)
      try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
      for id in unreadable.subtracting(held).subtracting(bases) {
        try db.execute(sql: "DELETE FROM chunk WHERE id = ?", arguments: [id])
        count += db.changesCount
      }
      return count
    }
  }

  /// The list of a file's chunks, whatever else its rows say.
  private static func chunkIds(ofBlob blobId: Int64, _ db: Database) throws -> [Int64] {
    try Row.fetchAll(
      db, sql: "SELECT chunkIds FROM segment WHERE blobId = ? ORDER BY position",
      arguments: [blobId]
    ).flatMap { row in try ChunkList.decode(try row.value("chunkIds")) }
  }

  /// The digest of all content of chunks together; nil when it cannot be read.
  private static func digest(of ids: [Int64], _ db: Database) throws -> Digest? {
    var hasher = Digest.Hasher()
    do {
      try RegistryError.translating(.weights) {
        try forEach(ids, db) { $0.withUnsafeBytes { hasher.update($0) } }
      }
    } catch let error as RegistryError where error.kind == .corrupt {
      return nil
    }
    return hasher.finalize()
  }

  private static func forEach(
    _ ids: [Int64], _ db: Database, _ body: ([UInt8]) throws -> Void
  ) throws {
    for start in stride(from: 0, to: ids.count, by: 4) {
      let step = Array(ids[start..<min(start + 4, ids.count)])
      for content in try Chunk.contents(of: step, isChecked: false, db) { try body(content) }
    }
  }
}
