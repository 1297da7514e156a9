import Foundation
import GRDB
import Storage

/// Up to 1 MiB of consecutive records in one row; a row a record would cost 4–7 % in half-empty
/// pages.
enum Pack {
  static let sizeBytesMax = 1 << 20

  /// Stores a pack.
  ///
  /// - Returns: Its id.
  static func insert(_ content: [UInt8], _ db: Database) throws -> Int64 {
    let statement = try db.cachedStatement(sql: "INSERT INTO pack (content) VALUES (?)")
    try content.withUnsafeBufferPointer { content in
      guard let start = content.baseAddress else { return }
      // The bytes outlive the statement, so nothing needs to own them.
      let data = Data(
        bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: content.count,
        deallocator: .none)
      try statement.execute(arguments: [data])
    }
    return db.lastInsertedRowID
  }

  /// Reads the records of chunks, each pack once.
  ///
  /// - Returns: The records in the order of the chunks.
  /// - Throws: `corrupt` when a pack is missing or too short.
  static func records(of chunks: [Chunk], _ db: Database) throws -> [[UInt8]] {
    var records = [[UInt8]](repeating: [], count: chunks.count)
    let byPack = Dictionary(grouping: chunks.indices) { chunks[$0].packId }
    for (packId, indices) in byPack {
      let statement = try db.cachedStatement(sql: "SELECT content FROM pack WHERE id = ?")
      let rows = try Row.fetchCursor(statement, arguments: [packId])
      guard let row = try rows.next() else {
        throw RegistryError(
          .corrupt, "chunk \(chunks[indices[0]].digest.short): its pack is missing")
      }
      try row.withUnsafeData(atIndex: 0) { content in
        for index in indices {
          records[index] = try chunks[index].record(in: content ?? Data())
        }
      }
    }
    return records
  }
}

extension Chunk {
  fileprivate func record(in pack: Data) throws -> [UInt8] {
    let (end, overflows) = offset.addingReportingOverflow(lengthBytes)
    guard offset >= 0, lengthBytes > 0, !overflows, end <= pack.count else {
      throw RegistryError(.corrupt, "chunk \(digest.short): its record is outside its pack")
    }
    return pack.withUnsafeBytes { Array($0[offset..<end]) }
  }
}

extension Pack {
  private struct Sparse {
    let id: Int64
    let liveBytes: Int
  }

  /// Writes the live records of packs of which a quarter or more is dead into new packs, some at
  /// a time.
  ///
  /// Each transaction moves records and their places together, so that it may end after any of
  /// them.
  static func rewriteSparse(in store: Store, _ progress: (Int64) -> Void) throws {
    let sparse = try store.read(.weights) { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT id, (
            SELECT coalesce(sum(lengthBytes), 0) FROM chunk WHERE packId = pack.id
          ) AS live
          FROM pack WHERE live * 4 <= length(content) * 3
          """
      ).map { Sparse(id: try $0.value("id"), liveBytes: try $0.value("live")) }
    }
    var done: Int64 = 0
    var start = 0
    while start < sparse.count {
      var end = start
      var liveBytes = 0
      while end < sparse.count, end == start || liveBytes + sparse[end].liveBytes <= sizeBytesMax,
        end - start < 256
      {
        liveBytes += sparse[end].liveBytes
        end += 1
      }
      try store.write(.weights) { db in
        try rewrite(sparse[start..<end].map(\.id), db)
      }
      done += Int64(liveBytes)
      progress(done)
      start = end
    }
  }

  /// Moves the records of packs whose live records fit into one.
  private static func rewrite(_ ids: [Int64], _ db: Database) throws {
    let chunks = try ids.flatMap { id in
      try Row.fetchAll(
        db, sql: "SELECT * FROM chunk WHERE packId = ? ORDER BY offset", arguments: [id]
      ).map { try Chunk($0) }
    }
    let records = try records(of: chunks, db)
    if !chunks.isEmpty {
      let packId = try insert(Array(records.joined()), db)
      let statement = try db.cachedStatement(
        sql: "UPDATE chunk SET packId = ?, offset = ? WHERE id = ?")
      var offset = 0
      for chunk in chunks {
        try statement.execute(arguments: [packId, offset, chunk.id])
        offset += chunk.lengthBytes
      }
    }
    for id in ids { try db.execute(sql: "DELETE FROM pack WHERE id = ?", arguments: [id]) }
  }
}
