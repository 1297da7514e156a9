import Foundation
import GRDB
import Storage

/// Collects the new chunks of one import and commits them a few packs at a time.
struct PackWriter {
  /// A chunk that is in the store, by its id, or one still to be written, by its number in this
  /// import.
  enum Place: Sendable {
    case stored(Int64)
    case new(Int)
  }

  private struct NewChunk {
    let digest: Digest
    let sizeBytes: Int
    let record: [UInt8]
    let baseId: Int64?
    let mends: Bool
  }

  /// Where a record lies.
  private struct PackPlace {
    let packId: Int64
    let offset: Int
  }

  static let flushBytes = 4 << 20  // a commit waits for the disk, so not every pack by itself

  private let store: Store
  private var pending: [NewChunk] = []
  private var pendingBytes = 0
  private var numbers: [Digest: Int] = [:]
  private var ids: [Int64] = []
  private(set) var storedBytes: Int64 = 0

  init(_ store: Store) {
    self.store = store
  }

  /// The number of a chunk that waits to be written.
  func number(of digest: Digest) -> Int? { numbers[digest] }

  /// Takes a chunk whose digest neither the store nor this writer has, or a damaged one of the
  /// store.
  ///
  /// - Returns: Its number in this import.
  mutating func add(
    _ digest: Digest, sizeBytes: Int, record: [UInt8], baseId: Int64?, mends: Bool
  ) -> Int {
    let number = ids.count + pending.count
    pending.append(
      NewChunk(digest: digest, sizeBytes: sizeBytes, record: record, baseId: baseId, mends: mends))
    pendingBytes += record.count
    numbers[digest] = number
    return number
  }

  /// Writes what waits, once it is enough for a transaction.
  mutating func flushIfFull() throws {
    if pendingBytes >= Self.flushBytes { try flush() }
  }

  /// Writes what waits in one transaction.
  mutating func flush() throws {
    guard !pending.isEmpty else { return }
    try store.checkSpace(forBytes: Int64(pendingBytes))
    let (fresh, freshBytes) = try store.write(.weights) { db in try write(db) }
    ids += fresh
    storedBytes += freshBytes
    pending.removeAll()
    numbers.removeAll()
    pendingBytes = 0
  }

  /// The id of a chunk after `flush`.
  func id(of place: Place) -> Int64 {
    switch place {
    case .stored(let id): id
    case .new(let number): ids[number]
    }
  }

  private func write(_ db: Database) throws -> (ids: [Int64], storedBytes: Int64) {
    // Another process may have stored the same content since we looked.
    var written = try pending.map { try Chunk.findId($0.digest, db) }
    let fresh = pending.indices.filter { written[$0] == nil || pending[$0].mends }
    var storedBytes: Int64 = 0
    var start = 0
    while start < fresh.count {
      var content: [UInt8] = []
      var end = start
      while end < fresh.count,
        content.isEmpty || content.count + pending[fresh[end]].record.count <= Pack.sizeBytesMax
      {
        content += pending[fresh[end]].record
        end += 1
      }
      let packId = try Pack.insert(content, db)
      var offset = 0
      for index in fresh[start..<end] {
        let place = PackPlace(packId: packId, offset: offset)
        if let id = written[index] {
          try mend(id, pending[index], place, db)
        } else {
          written[index] = try insert(pending[index], place, db)
        }
        offset += pending[index].record.count
      }
      storedBytes += Int64(content.count)
      start = end
    }
    return (written.compactMap { $0 }, storedBytes)
  }

  private func insert(_ chunk: NewChunk, _ place: PackPlace, _ db: Database) throws -> Int64 {
    // Another import may have mended the base, and so shortened its chain, since we looked.
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO chunk (digest, sizeBytes, packId, offset, lengthBytes, baseChunkId, depth)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6,
          coalesce((SELECT depth FROM chunk WHERE id = ?6) + 1, 0))
        """)
    try statement.execute(arguments: [
      chunk.digest, chunk.sizeBytes, place.packId, place.offset, chunk.record.count, chunk.baseId,
    ])
    return db.lastInsertedRowID
  }

  /// Points a damaged chunk to a new record; what is a difference to it may come nearer to the start
  /// of its chain.
  private func mend(_ id: Int64, _ chunk: NewChunk, _ place: PackPlace, _ db: Database) throws {
    try db.execute(
      sql: """
        UPDATE chunk SET sizeBytes = ?1, packId = ?2, offset = ?3, lengthBytes = ?4,
          baseChunkId = ?5, depth = coalesce((SELECT depth FROM chunk WHERE id = ?5) + 1, 0)
        WHERE id = ?6
        """,
      arguments: [
        chunk.sizeBytes, place.packId, place.offset, chunk.record.count, chunk.baseId, id,
      ])
    try db.execute(
      sql: """
        WITH RECURSIVE later (id, depth) AS (
          SELECT chunk.id, base.depth + 1 FROM chunk JOIN chunk AS base
            ON base.id = chunk.baseChunkId WHERE base.id = ?1
          UNION ALL
          SELECT chunk.id, later.depth + 1 FROM chunk JOIN later ON chunk.baseChunkId = later.id
          WHERE later.depth < ?2
        )
        UPDATE chunk SET depth = later.depth FROM later WHERE chunk.id = later.id
        """, arguments: [id, Chunk.depthMax])
  }
}
