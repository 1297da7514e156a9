import Foundation
import GRDB
import Storage

/// A piece of content and where its record is; the row of `chunk`.
struct Chunk: Sendable {
  let id: Int64
  let digest: Digest
  let sizeBytes: Int
  let packId: Int64
  let offset: Int
  let lengthBytes: Int
  let baseId: Int64?
  /// What the record needs beside its base.
  let factorId: Int64?
  let depth: Int

  /// The longest chain of differences; the schema checks it too.
  static let depthMax = 8
  /// The largest raw content of a chunk; nothing larger is ever allocated for one.
  static let sizeBytesMax = 1 << 20

  /// Reads a chunk's row.
  ///
  /// - Throws: `corrupt` when it is missing or impossible.
  static func get(_ id: Int64, _ db: Database) throws -> Chunk {
    let statement = try db.cachedStatement(sql: "SELECT * FROM chunk WHERE id = ?")
    guard let row = try Row.fetchOne(statement, arguments: [id]) else {
      throw RegistryError(.corrupt, "chunk number \(id) is missing")
    }
    return try Chunk(row)
  }

  /// Finds the id of the chunk with this content.
  static func findId(_ digest: Digest, _ db: Database) throws -> Int64? {
    let statement = try db.cachedStatement(sql: "SELECT id FROM chunk WHERE digest = ?")
    return try Int64.fetchOne(statement, arguments: [digest])
  }

  /// Reads the base's row; depths fall by one at each step, so that every chain ends.
  func base(_ baseId: Int64, _ db: Database) throws -> Chunk {
    let base = try Chunk.get(baseId, db)
    guard base.depth == depth - 1 else {
      throw RegistryError(.corrupt, "chunk \(digest.short): its chain of differences is broken")
    }
    return base
  }

  /// Reads the factor's row; it needs no other chunk.
  func factor(_ factorId: Int64, _ db: Database) throws -> Chunk {
    let factor = try Chunk.get(factorId, db)
    guard factor.depth == 0 else {
      throw RegistryError(.corrupt, "chunk \(digest.short): its factor is a difference")
    }
    return factor
  }

  /// Takes a row, checked: nobody else has to.
  ///
  /// - Throws: `corrupt` for numbers that no chunk has.
  init(_ row: Row) throws(RegistryError) {
    id = try row.value("id")
    digest = try row.value("digest")
    sizeBytes = try row.value("sizeBytes")
    packId = try row.value("packId")
    offset = try row.value("offset")
    lengthBytes = try row.value("lengthBytes")
    baseId = try row.value("baseChunkId")
    factorId = try row.value("factorChunkId")
    depth = try row.value("depth")
    guard (1...Self.sizeBytesMax).contains(sizeBytes), (0...Self.depthMax).contains(depth),
      (baseId == nil) == (depth == 0), baseId != nil || factorId == nil,
      (0...Pack.sizeBytesMax).contains(offset),
      (1...2 * Pack.sizeBytesMax).contains(lengthBytes)
    else {
      throw RegistryError(.corrupt, "chunk \(digest.short): its row is impossible")
    }
  }
}

extension Chunk {
  /// Reads the content of chunks; what is returned has the digest it is known by.
  ///
  /// Works level by level of all chains together, so that a base that several need is decoded
  /// once and no more than a record, a base and a content are held for each chunk.
  ///
  /// - Parameters:
  ///   - ids: Which, a batch (`Parallel.batchBytes`).
  ///   - isChecked: Whether digests are compared; not where the caller has the bytes to compare.
  ///   - db: An open read of the weights.
  /// - Returns: The contents in the order of the ids.
  /// - Throws: `corrupt` naming the first chunk that is not what it was.
  static func contents(
    of ids: [Int64], isChecked: Bool = true, _ db: Database
  ) throws -> [[UInt8]] {
    let wanted = Set(ids)
    var decoded: [Int64: [UInt8]] = [:]
    let levels = try levels(of: wanted, db)
    let kept = wanted.union(levels.joined().compactMap(\.factorId))
    for level in levels where !level.isEmpty {
      let records = try Pack.records(of: level, db)
      let contents = try Parallel.map(level.count) { [decoded] index in
        let chunk = level[index]
        let base = chunk.baseId.flatMap { decoded[$0] }
        let factor = chunk.factorId.flatMap { decoded[$0] }
        let content = try chunk.decode(records[index], base: base, factor: factor)
        if isChecked, wanted.contains(chunk.id) { try chunk.check(content) }
        return content
      }
      decoded = decoded.filter { kept.contains($0.key) }
      for (chunk, content) in zip(level, contents) { decoded[chunk.id] = content }
    }
    return ids.compactMap { decoded[$0] }
  }

  /// The chunks and all they are decoded with, by depth.
  private static func levels(of ids: Set<Int64>, _ db: Database) throws -> [[Chunk]] {
    var levels = [[Chunk]](repeating: [], count: depthMax + 1)
    var seen: Set<Int64> = []
    for id in ids where seen.insert(id).inserted {
      var chunk = try get(id, db)
      levels[chunk.depth].append(chunk)
      while let baseId = chunk.baseId, seen.insert(baseId).inserted {
        chunk = try chunk.base(baseId, db)
        levels[chunk.depth].append(chunk)
      }
    }
    for chunk in levels.joined() {
      if let factorId = chunk.factorId, seen.insert(factorId).inserted {
        levels[0].append(try chunk.factor(factorId, db))
      }
    }
    return levels
  }

  private func decode(_ record: [UInt8], base: [UInt8]?, factor: [UInt8]?) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: sizeBytes) { buffer, count in
      let content = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: sizeBytes)
      if let base {
        try base.withUnsafeBytes {
          try decode(record, into: content, base: $0, factor: factor)
        }
      } else {
        try decode(record, into: content, base: nil, factor: nil)
      }
      count = sizeBytes
    }
  }

  /// Decodes the chunk's record into memory of exactly its size; errors name the chunk.
  func decode(
    _ record: [UInt8], into content: UnsafeMutableRawBufferPointer, base: UnsafeRawBufferPointer?,
    factor: [UInt8]?
  ) throws(RegistryError) {
    do throws(RegistryError) {
      let result = record.withUnsafeBytes { record in
        (factor ?? []).withUnsafeBytes { bytes in
          Result { () throws(RegistryError) in
            try ChunkCodec.decode(
              record, into: content, base: base, factor: factor == nil ? nil : bytes)
          }
        }
      }
      try result.get()
    } catch {
      throw RegistryError(.corrupt, "chunk \(digest.short): \(error.message)", hint: Self.hint)
    }
  }

  private func check(_ content: [UInt8]) throws {
    guard Digest(of: content) == digest else {
      throw RegistryError(.corrupt, "chunk \(digest.short): digest differs", hint: Self.hint)
    }
  }

  private static let hint = Blob.healingHint
}
