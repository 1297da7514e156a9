import GRDB
import Storage

/// Which chunks what needs: those of a blob's segments, and all that these are decoded with.
struct ChunkNeeds {
  /// The columns of `chunk` that name another one, without which it cannot be decoded.
  static let columns = ["baseChunkId"]

  /// For each of the columns, what each chunk names there.
  private let needs: [[Int64: Int64]]

  /// Reads what every chunk is decoded with.
  init(_ db: Database) throws {
    needs = try Self.columns.map { column in
      var named: [Int64: Int64] = [:]
      let rows = try Row.fetchCursor(
        db, sql: "SELECT id, \(column) FROM chunk WHERE \(column) IS NOT NULL")
      while let row = try rows.next() {
        named[try row.value(at: 0)] = try row.value(at: 1) as Int64
      }
      return named
    }
  }

  /// The ids of all chunks that blobs need.
  func chunkIds(ofBlobs blobs: [Blob], _ db: Database) throws -> Set<Int64> {
    var needed: Set<Int64> = []
    for blob in blobs {
      for stored in try StoredSegment.list(blobId: blob.id, db) {
        for id in stored.chunkIds { insert(id, into: &needed) }
      }
    }
    return needed
  }

  /// What all chunks but some are decoded with, at any distance.
  func bases(ofAllBut excluded: Set<Int64>) throws -> Set<Int64> {
    var bases: Set<Int64> = []
    for named in needs {
      for (id, base) in named where !excluded.contains(id) { insert(base, into: &bases) }
    }
    return bases
  }

  private func insert(_ id: Int64, into needed: inout Set<Int64>) {
    var next = [id]
    while let id = next.popLast() {
      if needed.insert(id).inserted { next += needs.compactMap { $0[id] } }
    }
  }

  /// The ids of all chunks, with the bytes of their records.
  static func all(_ db: Database) throws -> [Int64: Int64] {
    var lengths: [Int64: Int64] = [:]
    let rows = try Row.fetchCursor(db, sql: "SELECT id, lengthBytes FROM chunk")
    while let row = try rows.next() {
      let length: Int64 = try row.value(at: 1)
      guard (1...Int64(2 * Pack.sizeBytesMax)).contains(length) else {
        throw RegistryError(.corrupt, "a chunk's record has the impossible length \(length)")
      }
      lengths[try row.value(at: 0)] = length
    }
    return lengths
  }
}
