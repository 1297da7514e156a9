import CSystem
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

  /// Reads the records of chunks and no more of their packs.
  ///
  /// - Returns: The records in the order of the chunks.
  /// - Throws: `corrupt` when a pack is missing or too short.
  static func records(of chunks: [Chunk], _ db: Database) throws -> [[UInt8]] {
    var reader = PackReader(db)
    return try chunks.map { try reader.record(of: $0) }
  }
}

/// Reads parts of packs, each by its place.
private struct PackReader: ~Copyable {
  private let db: Database
  private var pack: OpaquePointer?
  private var packId: Int64?

  init(_ db: Database) {
    self.db = db
  }

  deinit { _ = sqlite3_blob_close(pack) }

  mutating func record(of chunk: Chunk) throws -> [UInt8] {
    try open(chunk)
    let (end, overflows) = chunk.offset.addingReportingOverflow(chunk.lengthBytes)
    guard chunk.offset >= 0, chunk.lengthBytes > 0, !overflows, end <= sqlite3_blob_bytes(pack),
      let offset = Int32(exactly: chunk.offset), let length = Int32(exactly: chunk.lengthBytes)
    else {
      throw RegistryError(.corrupt, "chunk \(chunk.digest.short): its record is outside its pack")
    }
    return try [UInt8](unsafeUninitializedCapacity: chunk.lengthBytes) { buffer, count in
      try check(sqlite3_blob_read(pack, buffer.baseAddress, length, offset))
      count = chunk.lengthBytes
    }
  }

  private mutating func open(_ chunk: Chunk) throws {
    guard packId != chunk.packId else { return }
    packId = nil
    let result =
      pack == nil
      ? sqlite3_blob_open(db.sqliteConnection, "main", "pack", "content", chunk.packId, 0, &pack)
      : sqlite3_blob_reopen(pack, chunk.packId)
    guard result != SQLITE_ERROR else {  // no such row
      throw RegistryError(.corrupt, "chunk \(chunk.digest.short): its pack is missing")
    }
    try check(result)
    packId = chunk.packId
  }

  private func check(_ result: Int32) throws {
    guard result == SQLITE_OK else {
      throw DatabaseError(resultCode: ResultCode(rawValue: result))
    }
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
