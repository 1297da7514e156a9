import GRDB
import Storage

/// All that gives a chunk's content: its record and those of the chunks it is a difference to.
struct ChunkChain: Sendable {
  /// From the one that needs no base to the chunk itself.
  let chunks: ArraySlice<Chunk>
  private let records: ArraySlice<[UInt8]>

  private init(_ chunks: ArraySlice<Chunk>, _ records: ArraySlice<[UInt8]>) {
    self.chunks = chunks
    self.records = records
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
    return ChunkChain(chunks[...], try Pack.records(of: chunks, db)[...])
  }

  /// The chunk itself.
  var chunk: Chunk { chunks[chunks.endIndex - 1] }

  /// The chains of the chunks that this one is a difference to, the nearest first.
  var bases: [ChunkChain] {
    (1..<max(1, chunks.count)).reversed().map { ChunkChain(chunks.prefix($0), records.prefix($0)) }
  }

  /// The chain that a difference to this chunk should continue; see `ChunkPolicy`.
  func asBase(_ db: Database) throws -> ChunkChain {
    let base = try ChunkPolicy.base(in: chunks.reversed().map(\.hop), db)
    let count = base.map { $0.depth + 1 } ?? chunks.count
    return ChunkChain(chunks.prefix(count), records.prefix(count))
  }

  /// Decodes the chunk into the first bytes of `content`; `base` is used on the way.
  ///
  /// - Throws: `corrupt` naming the chunk whose record is damaged.
  func decode(_ buffers: inout ChunkBuffers) throws(RegistryError) {
    var baseSizeBytes: Int?
    for (chunk, record) in zip(chunks, records) {
      if baseSizeBytes != nil { swap(&buffers.content, &buffers.base) }
      try chunk.decode(record, into: &buffers.content, base: buffers.base, baseSizeBytes)
      baseSizeBytes = chunk.sizeBytes
    }
  }
}

extension Chunk {
  fileprivate func decode(
    _ record: [UInt8], into content: inout [UInt8], base: [UInt8], _ baseSizeBytes: Int?
  ) throws(RegistryError) {
    let result = content.withUnsafeMutableBytes { content in
      base.withUnsafeBytes { base in
        Result { () throws(RegistryError) in
          try decode(
            record, into: UnsafeMutableRawBufferPointer(rebasing: content[..<sizeBytes]),
            base: baseSizeBytes.map { UnsafeRawBufferPointer(rebasing: base[..<$0]) })
        }
      }
    }
    try result.get()
  }
}
