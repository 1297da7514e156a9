import Foundation
import GRDB
import Storage

/// Finds the content of damaged chunks and stores it in their place.
struct ChunkMend {
  /// What was found, and stored unless it is a dry run.
  private(set) var found: Set<Digest> = []
  /// The bytes of new records.
  private(set) var storedBytes: Int64 = 0
  var isDone: Bool { wanted.isEmpty }

  /// What is known of a chunk that cannot be read.
  private struct Wanted {
    var dtype: DType?
    /// What it was a difference to.
    let baseId: Int64?
  }

  /// The chunks that are still to be found.
  private var wanted: [Digest: Wanted]
  private let store: Store
  private let writer: PackWriter
  private let isDry: Bool

  /// Begins with the ids of chunks that cannot be read; those without a digest are given up.
  init(_ ids: Set<Int64>, in store: Store, dryRun: Bool) throws {
    self.store = store
    writer = PackWriter(store)
    isDry = dryRun
    wanted = try store.read(.weights) { db in
      let types = try Self.types(of: ids, db)
      var wanted: [Digest: Wanted] = [:]
      for id in ids {
        let row = try Row.fetchOne(
          db, sql: "SELECT digest, baseChunkId FROM chunk WHERE id = ?", arguments: [id])
        guard let digest: Digest = try? row?.value("digest") else { continue }
        wanted[digest] = Wanted(dtype: types[id], baseId: try? row?.value("baseChunkId"))
      }
      return wanted
    }
  }

  /// The types by which chunks are stored well, as far as lists tell.
  private static func types(of ids: Set<Int64>, _ db: Database) throws -> [Int64: DType] {
    var types: [Int64: DType] = [:]
    for blob in try Blob.readable(db) {
      let list = (try? StoredSegment.list(blobId: blob.id, tensorsOnly: true, db)) ?? []
      for stored in list {
        guard let dtype = stored.segment.dtype else { continue }
        for id in stored.chunkIds where ids.contains(id) { types[id] = dtype }
      }
    }
    return types
  }

  /// Looks through a source until nothing is wanted any more.
  mutating func take(from source: HealingSource) throws {
    switch source {
    case .store(let other): try take(from: other)
    case .files(let files): for file in files where !isDone { try take(from: file) }
    }
  }

  private mutating func take(from other: Store) throws {
    try other.read(.weights) { db in
      for digest in wanted.keys.sorted(by: { $0.hex < $1.hex }) {
        // The other store may be damaged too.
        guard let id = try? Chunk.findId(digest, db),
          let content = try? Chunk.contents(of: [id], db).first
        else { continue }
        try take(content, digest, nil)
      }
    }
  }

  /// Cuts a file as an import would, by its structure and by its content.
  private mutating func take(from file: URL) throws {
    guard let source = try? SourceFile(file) else { return }
    if let segments = try? Container.layout(of: source, asBytes: true).segments {
      for segment in segments {
        for index in 0..<segment.chunkCount where !isDone {
          let place = segment.offset + Int64(index) * Int64(segment.chunkSizeBytes)
          let size = segment.sizeBytes(ofChunk: index)
          guard let content = try? source.read(at: place, sizeBytes: size) else { return }
          try take(content, Digest(of: content), segment.dtype)
        }
      }
    }
    var done: Int64 = 0
    while done < source.sizeBytes, !isDone {
      let size = Int(min(Int64(ContentCut.sizeBytesMax), source.sizeBytes - done))
      guard var content = try? source.read(at: done, sizeBytes: size) else { return }
      content.removeLast(size - content.withUnsafeBytes { ContentCut.first(of: $0) })
      done += Int64(content.count)
      try take(content, Digest(of: content), nil)
    }
  }

  /// Stores content that is wanted, again as a difference where the base can be read.
  private mutating func take(_ content: [UInt8], _ digest: Digest, _ dtype: DType?) throws {
    guard let known = wanted.removeValue(forKey: digest) else { return }
    found.insert(digest)
    guard !isDry else { return }
    let base = try store.read(.weights) { try Self.base(known.baseId, $0) } ?? []
    let (encoded, decoded) = try content.withUnsafeBytes { content in
      try base.withUnsafeBytes { base in
        let encoded = try ChunkCodec.encode(
          content, element: known.dtype ?? dtype, base: base.isEmpty ? nil : base)
        let decoded = try [UInt8](unsafeUninitializedCapacity: content.count) { buffer, count in
          let place = UnsafeMutableRawBufferPointer(
            start: buffer.baseAddress, count: content.count)
          try encoded.record.withUnsafeBytes {
            try ChunkCodec.decode($0, into: place, base: encoded.usesBase ? base : nil)
          }
          count = content.count
        }
        return (encoded, decoded)
      }
    }
    guard Digest(of: decoded) == digest else {
      throw RegistryError(.corrupt, "a chunk did not survive its encoding; nothing was stored")
    }
    storedBytes += Int64(encoded.record.count)
    try writer.add(
      PackWriter.NewChunk(
        digest: digest, sizeBytes: content.count, record: encoded.record,
        baseId: encoded.usesBase ? known.baseId : nil, mends: true))
  }

  /// The content of a base that a record may be a difference to; nil when it cannot be read.
  private static func base(_ id: Int64?, _ db: Database) throws -> [UInt8]? {
    guard let id else { return nil }
    do {
      guard try Chunk.get(id, db).depth < Chunk.depthMax else { return nil }
      return try Chunk.contents(of: [id], db).first
    } catch let error as RegistryError where error.kind == .corrupt {
      return nil
    }
  }

  /// Writes what waits.
  func finish() throws {
    _ = try writer.finish()
  }
}
