package import Foundation
import GRDB
package import Storage

extension Blob {
  /// What an import has done.
  package struct Added: Sendable {
    /// The SHA-256 of the file.
    package let digest: Digest
    /// The size of the file.
    package let sizeBytes: Int64
    /// The records that were written for it; 0 when all of its content was here.
    package let storedBytes: Int64
    /// Whether the blob was not here before.
    package let isNew: Bool
  }

  /// Stores a file, in one pass and in memory that does not grow with it.
  ///
  /// The caller holds `Store.withContent` until it has committed the row that names the digest,
  /// and is not inside a read or write of the store. The last step is a truncating checkpoint of
  /// the weights. What fails leaves at most chunks that nothing names.
  ///
  /// - Parameters:
  ///   - file: A regular file or a symbolic link to one; parsed when its name ends in
  ///     `.safetensors`.
  ///   - parents: Blobs of the parent version, for differences; those without tensors do no harm.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of the file that are done.
  /// - Returns: The digest and what it cost.
  /// - Throws: `invalidInput` when the file is malformed or changes meanwhile; `notFound`;
  ///   `denied`; `unavailable`.
  package static func add(
    file: URL, parents: [Digest] = [], to store: Store, progress: (Int64) -> Void = { _ in }
  ) throws -> Added {
    let source = try SourceFile(file)
    let isSafetensors = SafetensorsFile.isNamedBy(source.name)
    if !isSafetensors, let blob = try findTensors(of: source, store, progress) {
      return Added(
        digest: blob.digest, sizeBytes: blob.sizeBytes, storedBytes: 0, isNew: false)
    }
    let segments =
      isSafetensors
      ? try SafetensorsFile.segments(of: source)
      : Segment.bytes(offset: 0, sizeBytes: source.sizeBytes)
    var work = BlobImport(
      store: store, segments: segments, bases: try TensorBases(parents, store))
    let digest = try work.run(source, progress)
    try source.checkUnchanged()
    let isNew = try work.commit(
      digest, sizeBytes: source.sizeBytes, container: isSafetensors ? "safetensors" : "bytes")
    if isNew || work.storedBytes > 0 { try store.checkpoint(.weights) }
    return Added(
      digest: digest, sizeBytes: source.sizeBytes, storedBytes: work.storedBytes, isNew: isNew)
  }

  /// Finds the blob that a file without the name already is, cut as tensors; cut as bytes, it
  /// would cost again.
  private static func findTensors(
    of source: SourceFile, _ store: Store, _ progress: (Int64) -> Void
  ) throws -> Blob? {
    let candidates = try store.read(.weights) { db in
      try list(db).filter { $0.sizeBytes == source.sizeBytes && $0.container == "safetensors" }
    }
    guard !candidates.isEmpty else { return nil }
    var hasher = Digest.Hasher()
    for offset in stride(from: 0, to: source.sizeBytes, by: Chunk.sizeBytesMax) {
      let size = min(Int64(Chunk.sizeBytesMax), source.sizeBytes - offset)
      try source.read(at: offset, sizeBytes: Int(size)).withUnsafeBytes { hasher.update($0) }
      progress(offset + size)
    }
    let digest = hasher.finalize()
    return candidates.first { $0.digest == digest }
  }
}

/// One import under way.
private struct BlobImport {
  /// One chunk of the file, in work.
  private struct Piece: Sendable {
    let segment: Int
    let content: [UInt8]
    let dtype: DType?
    let baseId: Int64?
  }

  private let store: Store
  private let segments: [Segment]
  private let bases: TensorBases
  private var writer: PackWriter
  private var places: [[PackWriter.Place]]
  private var hasher = Digest.Hasher()

  var storedBytes: Int64 { writer.storedBytes }

  init(store: Store, segments: [Segment], bases: TensorBases) {
    self.store = store
    self.segments = segments
    self.bases = bases
    writer = PackWriter(store)
    places = segments.map { _ in [] }
  }

  /// Reads the file batch by batch, writes the chunks that are new, and returns the file's digest.
  mutating func run(_ source: SourceFile, _ progress: (Int64) -> Void) throws -> Digest {
    var batch: [Piece] = []
    var batchBytes = 0
    var done: Int64 = 0
    for (number, segment) in segments.enumerated() {
      let base = bases.chunkIds(for: segment)
      for index in 0..<segment.chunkCount {
        let content = try source.read(at: done, sizeBytes: segment.sizeBytes(ofChunk: index))
        batch.append(
          Piece(
            segment: number, content: content, dtype: segment.dtype,
            baseId: base.indices.contains(index) ? base[index] : nil))
        batchBytes += content.count
        done += Int64(content.count)
        if batchBytes >= Parallel.batchBytes || batch.count >= Parallel.batchCount {
          try finish(batch)
          batch.removeAll(keepingCapacity: true)
          batchBytes = 0
          progress(done)
        }
      }
    }
    try finish(batch)
    try writer.flush()
    progress(done)
    return hasher.finalize()
  }

  /// Commits the blob's row and its segments, last of all.
  ///
  /// What came as bytes first is cut anew when it comes as tensors.
  ///
  /// - Returns: Whether it was new.
  func commit(_ digest: Digest, sizeBytes: Int64, container: String) throws -> Bool {
    func isCut(_ blob: Blob) -> Bool { blob.container == container || container == "bytes" }
    if let blob = try store.read(.weights, { try Blob.find(digest, $0) }), isCut(blob) {
      return false
    }
    return try store.write(.weights) { db in
      let found = try Blob.find(digest, db)
      if let found, isCut(found) { return false }
      try db.execute(sql: "DELETE FROM segment WHERE blobId = ?", arguments: [found?.id])
      try db.execute(
        sql: """
          INSERT INTO blob (digest, sizeBytes, container) VALUES (?, ?, ?)
          ON CONFLICT (digest) DO UPDATE SET container = excluded.container
          """, arguments: [digest, sizeBytes, container])
      let blobId = try Blob.get(digest, db).id
      for (position, segment) in segments.enumerated() {
        let ids = places[position].map(writer.id(of:))
        try StoredSegment(position: position, segment: segment, chunkIds: ids)
          .insert(blobId: blobId, db)
      }
      return found == nil
    }
  }

  /// Hashes one batch and places its chunks: known ones by their id, new ones in the writer.
  ///
  /// Each chunk is hashed first: that costs no more than decoding the parent's to compare them,
  /// and finds content that any other blob has. The file's own hash goes on beside that.
  private mutating func finish(_ batch: [Piece]) throws {
    enum Hashed { case file(Digest.Hasher), chunk(Digest) }
    let hashed = try Parallel.map(batch.count + 1) { [hasher] index -> Hashed in
      if index > 0 { return .chunk(Digest(of: batch[index - 1].content)) }
      var hasher = hasher
      for piece in batch { piece.content.withUnsafeBytes { hasher.update($0) } }
      return .file(hasher)
    }
    var digests: [Digest] = []
    for hash in hashed {
      switch hash {
      case .file(let hasher): self.hasher = hasher
      case .chunk(let digest): digests.append(digest)
      }
    }
    try place(batch, digests)
    try writer.flushIfFull()
  }

  private mutating func place(_ batch: [Piece], _ digests: [Digest]) throws {
    let (known, baseOf, baseContents) = try store.read(.weights) { db in
      try lookUp(batch, digests, db)
    }
    var firsts: [Digest: Int] = [:]
    let new = batch.indices.filter { index in
      guard known[index] == nil, writer.number(of: digests[index]) == nil else { return false }
      return firsts.updateValue(index, forKey: digests[index]) == nil
    }
    let encoded = try Parallel.map(new.count) { number in
      let piece = batch[new[number]]
      let base = baseOf[new[number]].flatMap { baseContents[$0.id] }
      return try piece.content.withUnsafeBytes { content in
        try Self.encode(content, piece.dtype, base: base)
      }
    }
    for (index, encoded) in zip(new, encoded) {
      _ = writer.add(
        digests[index], sizeBytes: batch[index].content.count, record: encoded.record,
        base: encoded.usesBase ? baseOf[index] : nil)
    }
    for (index, piece) in batch.enumerated() {
      if let id = known[index] {
        places[piece.segment].append(.stored(id))
      } else if let number = writer.number(of: digests[index]) {
        places[piece.segment].append(.new(number))
      }
    }
  }

  /// What the store knows of a batch: the ids of its chunks, and for the others a base with its
  /// content.
  private func lookUp(
    _ batch: [Piece], _ digests: [Digest], _ db: Database
  ) throws -> (known: [Int64?], baseOf: [Chunk?], baseContents: [Int64: [UInt8]]) {
    let known = try digests.map { try Chunk.findId($0, db) }
    do {
      let baseOf = try batch.indices.map { index -> Chunk? in
        guard known[index] == nil, writer.number(of: digests[index]) == nil,
          let id = batch[index].baseId
        else { return nil }
        let base = try Chunk.get(id, db)
        return base.depth < Chunk.depthMax ? base : try base.root(db)
      }
      let ids = Array(Set(baseOf.compactMap { $0?.id }))
      let contents = try Chunk.contents(of: ids, db)
      return (known, baseOf, Dictionary(uniqueKeysWithValues: zip(ids, contents)))
    } catch let error as RegistryError where error.kind == .corrupt {
      return (known, known.map { _ in nil }, [:])  // what is damaged must not become anyone's base
    }
  }

  /// Encodes a chunk and decodes the record again: nothing is committed that does not give the
  /// content back.
  private static func encode(
    _ content: UnsafeRawBufferPointer, _ dtype: DType?, base: [UInt8]?
  ) throws -> ChunkCodec.Encoded {
    func encode(_ base: UnsafeRawBufferPointer?) throws -> ChunkCodec.Encoded {
      let encoded = try ChunkCodec.encode(content, element: dtype, base: base)
      let decoded = try [UInt8](unsafeUninitializedCapacity: content.count) { buffer, count in
        let place = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: content.count)
        try encoded.record.withUnsafeBytes {
          try ChunkCodec.decode($0, into: place, base: encoded.usesBase ? base : nil)
        }
        count = content.count
      }
      guard decoded.elementsEqual(content) else {
        throw RegistryError(.corrupt, "a chunk did not survive its encoding; nothing was stored")
      }
      return encoded
    }
    guard let base else { return try encode(nil) }
    return try base.withUnsafeBytes { try encode($0) }
  }
}

/// The tensors of the parent version, by name: what new chunks may be differences to.
private struct TensorBases {
  private var byName: [[UInt8]: Tensor] = [:]
  private var byBareName: [[UInt8]: Tensor] = [:]

  init(_ parents: [Digest], _ store: Store) throws {
    let tensors = try store.read(.weights) { db in
      try parents.flatMap { try Tensor.list(of: $0, db) }
    }
    for tensor in tensors.reversed() {
      byName[Array(tensor.name.utf8)] = tensor
      byBareName[tensor.bareName] = tensor
    }
  }

  /// The chunks of the parent's tensor with the same name and type, prefixes aside; else none.
  func chunkIds(for segment: Segment) -> [Int64] {
    guard let tensor = segment.tensor, let dtype = segment.dtype else { return [] }
    let candidates = [byName[Array(tensor.name.utf8)], byBareName[TensorName.bare(tensor.name)]]
    return candidates.compactMap { $0 }.first { $0.dtype == dtype }?.chunkIds ?? []
  }
}
