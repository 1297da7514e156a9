import CSystem
import Foundation
import GRDB
import Storage

/// Up to 1 MiB of consecutive records in one row; a row a record would cost 4–7 % in half-empty
/// pages.
enum Pack {
  static let sizeBytesMax = 1 << 20

  /// Where a record lies.
  struct Place {
    let packId: Int64
    let offset: Int
  }

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

  /// Stores records in as few packs as hold them.
  ///
  /// - Returns: The place of each, in their order.
  static func insert(_ records: [[UInt8]], _ db: Database) throws -> [Place] {
    var places: [Place] = []
    var content: [UInt8] = []
    content.reserveCapacity(sizeBytesMax)
    while places.count < records.count {
      content.removeAll(keepingCapacity: true)
      var offsets: [Int] = []
      for record in records[places.count...] {
        guard content.isEmpty || content.count + record.count <= sizeBytesMax else { break }
        offsets.append(content.count)
        content += record
      }
      let packId = try insert(content, db)
      places += offsets.map { Place(packId: packId, offset: $0) }
    }
    return places
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
