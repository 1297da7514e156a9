// The room of content: a file's bytes by their SHA-256, each model stored once. A blob is laid
// out as segments (tensors and everything else), each segment is cut into chunks, a chunk is
// stored once in the store as a record (Format.md) that may be a difference to a chunk of the
// parent, and records lie in packs. Chunks are committed first and the blob's row last, so a
// crash leaves only chunks that nothing names.
//
// The caller holds `Store.withContent` from its first look-up to the commit of the row that names
// the digest, or gc could take what is about to be named; `collect` and `remove` want
// `withoutContentUsers`.

import Foundation
package import GRDB
package import Storage

/// A file's bytes, by their SHA-256.
package struct Blob: Sendable, Equatable {
  /// The SHA-256 of the whole file.
  package let digest: Digest
  /// The size of the file.
  package let sizeBytes: Int64
  /// How it was cut.
  package let container: Container
  let id: Int64

  /// The largest file that is taken: no disk holds more, and sums of sizes stay numbers.
  package static let sizeBytesMax: Int64 = 1 << 50

  /// Finds a blob that is completely stored.
  package static func find(_ digest: Digest, _ db: Database) throws -> Blob? {
    let statement = try db.cachedStatement(sql: "SELECT * FROM blob WHERE digest = ?")
    return try Row.fetchOne(statement, arguments: [digest]).map { try Blob(row: $0) }
  }

  /// Whether the store has a row of a blob, whatever is wrong with it.
  static func isStored(_ digest: Digest, _ db: Database) throws -> Bool {
    let statement = try db.cachedStatement(sql: "SELECT 1 FROM blob WHERE digest = ?")
    return try Row.fetchOne(statement, arguments: [digest]) != nil
  }

  /// Gets a blob that is completely stored.
  ///
  /// - Parameters:
  ///   - digest: Its SHA-256.
  ///   - db: An open read of the weights.
  /// - Returns: The blob.
  /// - Throws: `notFound`.
  package static func get(_ digest: Digest, _ db: Database) throws -> Blob {
    guard let blob = try find(digest, db) else {
      throw RegistryError(.notFound, "no blob sha256:\(digest.hex)")
    }
    return blob
  }

  /// Lists all blobs in the order of their import.
  package static func list(_ db: Database) throws -> [Blob] {
    try Row.fetchAll(db, sql: "SELECT * FROM blob ORDER BY id").map { try Blob(row: $0) }
  }

  /// Lists the blobs whose own rows are sound, in the order of their import.
  package static func readable(_ db: Database) throws -> [Blob] {
    try Row.fetchAll(db, sql: "SELECT * FROM blob ORDER BY id").compactMap { try? Blob(row: $0) }
  }

  /// Reads a small file completely.
  ///
  /// - Parameters:
  ///   - digest: Its SHA-256.
  ///   - limit: The most bytes to return.
  ///   - db: An open read of the weights.
  /// - Returns: The bytes.
  /// - Throws: `notFound`; `invalidInput` when it is larger than the limit; `corrupt`.
  package static func content(
    _ digest: Digest, limit: Int = 16 << 20, _ db: Database
  ) throws -> [UInt8] {
    let blob = try get(digest, db)
    guard blob.sizeBytes <= limit else {
      throw RegistryError(
        .invalidInput, "blob \(digest.short) has \(blob.sizeBytes) bytes, more than \(limit)")
    }
    var content: [UInt8] = []
    content.reserveCapacity(Int(blob.sizeBytes))
    try blob.forEachPart(db) { for chunk in $0 { content += chunk } }
    guard Digest(of: content) == digest else {
      throw RegistryError(.corrupt, "blob \(digest.short): digest of the file differs")
    }
    return content
  }

  /// Reads a blob front to back in bounded memory: each call of the body gets the next chunks.
  func forEachPart(_ db: Database, _ body: ([[UInt8]]) throws -> Void) throws {
    var ids: [Int64] = []
    var sizeBytes = 0
    for stored in try StoredSegment.list(blobId: id, db) {
      guard stored.chunkIds.count == stored.segment.chunkCount else {
        throw RegistryError(.corrupt, "blob \(digest.short): segment \(stored.position) has gaps")
      }
      for (index, chunkId) in stored.chunkIds.enumerated() {
        ids.append(chunkId)
        sizeBytes += stored.segment.sizeBytes(ofChunk: index)
        if sizeBytes >= Parallel.batchBytes || ids.count >= Parallel.batchCount {
          try body(try Chunk.contents(of: ids, db))
          ids.removeAll()
          sizeBytes = 0
        }
      }
    }
    if !ids.isEmpty { try body(try Chunk.contents(of: ids, db)) }
  }

  init(row: Row) throws(RegistryError) {
    id = try row.value("id")
    digest = try row.value("digest")
    sizeBytes = try row.value("sizeBytes")
    let name: String = try row.value("container")
    guard let container = Container(rawValue: name) else {
      throw RegistryError(.corrupt, "blob \(digest.short): its container is not known")
    }
    self.container = container
    guard (0...Self.sizeBytesMax).contains(sizeBytes) else {
      throw RegistryError(.corrupt, "blob \(digest.short): its size is impossible")
    }
  }
}
