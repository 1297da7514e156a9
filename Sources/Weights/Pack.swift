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
    var start = 0
    while start < records.count {
      var content: [UInt8] = []
      var offsets: [Int] = []
      for record in records[start...] {
        guard content.isEmpty || content.count + record.count <= sizeBytesMax else { break }
        offsets.append(content.count)
        content += record
      }
      let packId = try insert(content, db)
      places += offsets.map { Place(packId: packId, offset: $0) }
      start += offsets.count
    }
    return places
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
