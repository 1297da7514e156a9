import GRDB
import Storage

/// All that gives a chunk's content: its record and those of the chunks it is a difference to.
struct ChunkChain: Sendable {
  /// From the one that needs no base to the chunk itself.
  let chunks: ArraySlice<Chunk>
  private let records: ArraySlice<[UInt8]>
  /// The factors that records need beside their bases, by their ids.
  private let factors: [Int64: Factor]

  private struct Factor {
    let chunk: Chunk
    let record: [UInt8]

    func content() throws(RegistryError) -> [UInt8] {
      var content = [UInt8](repeating: 0, count: chunk.sizeBytes)
      let result = content.withUnsafeMutableBytes { content in
        Result { () throws(RegistryError) in
          try chunk.decode(record, into: content, base: nil, factor: nil)
        }
      }
      try result.get()
      return content
    }
  }

  private init(
    _ chunks: ArraySlice<Chunk>, _ records: ArraySlice<[UInt8]>, _ factors: [Int64: Factor]
  ) {
    self.chunks = chunks
    self.records = records
    self.factors = factors
  }

  /// Reads rows and records; nothing is decoded yet.
  ///
  /// - Throws: `corrupt` when a row or a pack is missing or impossible.
  static func read(_ id: Int64, _ db: Database) throws -> ChunkChain {
    var chunk = try Chunk.get(id, db)
    var chunks = [chunk]
    while let baseId = chunk.baseId {
      chunk = try chunk.base(baseId, db)
      chunks.append(chunk)
    }
    chunks.reverse()
    let factors = try chunks.compactMap { chunk in
      try chunk.factorId.map { try chunk.factor($0, db) }
    }
    let found = zip(factors, try Pack.records(of: factors, db)).map(Factor.init)
    return ChunkChain(
      chunks[...], try Pack.records(of: chunks, db)[...],
      Dictionary(found.map { ($0.chunk.id, $0) }, uniquingKeysWith: { first, _ in first }))
  }

  /// The chunk itself.
  var chunk: Chunk { chunks[chunks.endIndex - 1] }

  /// The chains of the chunks that this one is a difference to, the nearest first.
  var bases: [ChunkChain] {
    (1..<max(1, chunks.count)).reversed().map { prefix($0) }
  }

  /// The chain that a difference to this chunk should continue; see `ChunkPolicy`.
  func asBase(_ db: Database) throws -> ChunkChain {
    let base = try ChunkPolicy.base(in: chunks.reversed().map(\.hop), db)
    let count = base.map { $0.depth + 1 } ?? chunks.count
    return prefix(count)
  }

  private func prefix(_ count: Int) -> ChunkChain {
    ChunkChain(chunks.prefix(count), records.prefix(count), factors)
  }

  /// Decodes the chunk into the first bytes of `content`; `base` is used on the way.
  ///
  /// - Throws: `corrupt` naming the chunk whose record is damaged.
  func decode(_ buffers: inout ChunkBuffers) throws(RegistryError) {
    var baseSizeBytes: Int?
    for (chunk, record) in zip(chunks, records) {
      if baseSizeBytes != nil { swap(&buffers.content, &buffers.base) }
      let factor = try chunk.factorId.flatMap { factors[$0] }?.content()
      try chunk.decode(
        record, into: &buffers.content, base: buffers.base, baseSizeBytes, factor: factor)
      baseSizeBytes = chunk.sizeBytes
    }
  }
}

extension Chunk {
  fileprivate func decode(
    _ record: [UInt8], into content: inout [UInt8], base: [UInt8], _ baseSizeBytes: Int?,
    factor: [UInt8]?
  ) throws(RegistryError) {
    let result = content.withUnsafeMutableBytes { content in
      base.withUnsafeBytes { base in
        Result { () throws(RegistryError) in
          try decode(
            record, into: UnsafeMutableRawBufferPointer(rebasing: content[..<sizeBytes]),
            base: baseSizeBytes.map { UnsafeRawBufferPointer(rebasing: base[..<$0]) },
            factor: factor)
        }
      }
    }
    try result.get()
  }
}
