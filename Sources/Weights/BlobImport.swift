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
  /// Content that is here already is read and compared: what is damaged is stored anew in its
  /// place, which mends everything else that has it.
  ///
  /// - Parameters:
  ///   - file: A regular file or a symbolic link to one; parsed when its name ends in
  ///     `.safetensors`.
  ///   - asBytes: Whether the name does not count: what is malformed can be kept as plain bytes.
  ///   - parents: Blobs of the parent version, for differences; those without tensors do no harm.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of the file that are done.
  /// - Returns: The digest and what it cost.
  /// - Throws: `invalidInput` when the file is malformed or changes meanwhile; `notFound`;
  ///   `denied`; `unavailable`.
  package static func add(
    file: URL, asBytes: Bool = false, parents: [Digest] = [], to store: Store,
    progress: (Int64) throws -> Void = { _ in }
  ) throws -> Added {
    let source = try SourceFile(file)
    let isNamed = !asBytes && SafetensorsFile.isNamedBy(source.name)
    let isSafetensors = try isNamed || isKnownAsTensors(source, store, progress)
    var work = BlobImport(
      store: store, segments: isSafetensors ? try SafetensorsFile.segments(of: source) : nil,
      bases: try TensorBases(parents, store))
    let digest = try work.run(source, progress)
    try source.checkUnchanged()
    let isNew = try work.commit(
      digest, sizeBytes: source.sizeBytes, container: isSafetensors ? "safetensors" : "bytes")
    if isNew || work.storedBytes > 0 { try store.checkpoint(.weights) }
    return Added(
      digest: digest, sizeBytes: source.sizeBytes, storedBytes: work.storedBytes, isNew: isNew)
  }

  /// Whether a file is a blob that is here and cut as tensors; cut as bytes, it would cost again.
  private static func isKnownAsTensors(
    _ source: SourceFile, _ store: Store, _ progress: (Int64) throws -> Void
  ) throws -> Bool {
    let candidates = try store.read(.weights) { db in
      try Digest.fetchSet(
        db, sql: "SELECT digest FROM blob WHERE sizeBytes = ? AND container = 'safetensors'",
        arguments: [source.sizeBytes])
    }
    guard !candidates.isEmpty else { return false }
    var hasher = Digest.Hasher()
    for offset in stride(from: 0, to: source.sizeBytes, by: Chunk.sizeBytesMax) {
      let size = min(Int64(Chunk.sizeBytesMax), source.sizeBytes - offset)
      try source.read(at: offset, sizeBytes: Int(size)).withUnsafeBytes { hasher.update($0) }
      try progress(0)
    }
    return candidates.contains(hasher.finalize())
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
  private let bases: TensorBases
  private let isCutByContent: Bool
  private var segments: [Segment]
  private var writer: PackWriter
  private var places: [[PackWriter.Place]]
  private var hasher = Digest.Hasher()
  private var batch: [Piece] = []
  private var batchBytes = 0
  /// Chunks that were here, read and found whole.
  private var whole: Set<Int64> = []

  var storedBytes: Int64 { writer.storedBytes }

  /// Begins with the segments of a parsed file; without them it is cut by content.
  init(store: Store, segments: [Segment]?, bases: TensorBases) {
    self.store = store
    self.bases = bases
    isCutByContent = segments == nil
    self.segments = segments ?? []
    writer = PackWriter(store)
    places = self.segments.map { _ in [] }
  }

  /// Reads the file batch by batch, writes the chunks that are new, and returns the file's digest.
  mutating func run(_ source: SourceFile, _ progress: (Int64) throws -> Void) throws -> Digest {
    if isCutByContent {
      try cutByContent(source, progress)
    } else {
      try cutSegments(source, progress)
    }
    try finishBatch()
    try writer.flush()
    try progress(source.sizeBytes)
    return hasher.finalize()
  }

  private mutating func cutSegments(
    _ source: SourceFile, _ progress: (Int64) throws -> Void
  ) throws {
    var done: Int64 = 0
    for (number, segment) in segments.enumerated() {
      let base = bases.chunkIds(for: segment)
      for index in 0..<segment.chunkCount {
        let content = try source.read(at: done, sizeBytes: segment.sizeBytes(ofChunk: index))
        done += Int64(content.count)
        try take(
          Piece(
            segment: number, content: content, dtype: segment.dtype,
            baseId: base.indices.contains(index) ? base[index] : nil), done, progress)
      }
    }
  }

  /// Each piece becomes a segment of one chunk.
  private mutating func cutByContent(
    _ source: SourceFile, _ progress: (Int64) throws -> Void
  ) throws {
    var done: Int64 = 0
    while done < source.sizeBytes {
      let size = Int(min(Int64(ContentCut.sizeBytesMax), source.sizeBytes - done))
      var content = try source.read(at: done, sizeBytes: size)
      content.removeLast(size - content.withUnsafeBytes { ContentCut.first(of: $0) })
      segments.append(Segment(tensor: nil, offset: done, sizeBytes: Int64(content.count)))
      places.append([])
      done += Int64(content.count)
      try take(
        Piece(segment: segments.count - 1, content: content, dtype: nil, baseId: nil), done,
        progress)
    }
  }

  private mutating func take(
    _ piece: Piece, _ done: Int64, _ progress: (Int64) throws -> Void
  ) throws {
    batch.append(piece)
    batchBytes += piece.content.count
    guard batchBytes >= Parallel.batchBytes || batch.count >= Parallel.batchCount else { return }
    try finishBatch()
    try progress(done)
  }

  /// Commits the blob's row and its segments, last of all.
  ///
  /// What came as bytes first is cut anew when it comes as tensors; damaged rows are made anew.
  ///
  /// - Returns: Whether it was new.
  func commit(_ digest: Digest, sizeBytes: Int64, container: String) throws -> Bool {
    let stored = segments.enumerated().map { position, segment in
      StoredSegment(
        position: position, segment: segment, chunkIds: places[position].map(writer.id(of:)))
    }
    func isThere(_ db: Database) throws -> Bool {
      do {
        guard let blob = try Blob.find(digest, db), blob.sizeBytes == sizeBytes else {
          return false
        }
        if blob.container != container { return container == "bytes" }
        return try StoredSegment.list(blobId: blob.id, db) == stored
      } catch let error as RegistryError where error.kind == .corrupt {
        return false
      }
    }
    if try store.read(.weights, isThere) { return false }
    return try store.write(.weights) { db in
      if try isThere(db) { return false }
      let countBefore = try Int.fetchOne(
        db, sql: "SELECT count(*) FROM blob WHERE digest = ?", arguments: [digest])
      try db.execute(
        sql: """
          INSERT INTO blob (digest, sizeBytes, container) VALUES (?, ?, ?)
          ON CONFLICT (digest) DO UPDATE
          SET sizeBytes = excluded.sizeBytes, container = excluded.container
          """, arguments: [digest, sizeBytes, container])
      let blobId = try Blob.get(digest, db).id
      try db.execute(sql: "DELETE FROM segment WHERE blobId = ?", arguments: [blobId])
      for segment in stored { try segment.insert(blobId: blobId, db) }
      return countBefore == 0
    }
  }

  /// Hashes one batch and places its chunks: known ones by their id, new ones in the writer.
  ///
  /// Each chunk is hashed first: that costs no more than decoding the parent's to compare them,
  /// and finds content that any other blob has. The file's own hash goes on beside that.
  private mutating func finishBatch() throws {
    enum Hashed { case file(Digest.Hasher), chunk(Digest) }
    let hashed = try Parallel.map(batch.count + 1) { [hasher, batch] index -> Hashed in
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
    try place(digests)
    try writer.flushIfFull()
    batch.removeAll(keepingCapacity: true)
    batchBytes = 0
  }

  private mutating func place(_ digests: [Digest]) throws {
    let (found, damaged, baseOf, baseContents) = try store.read(.weights) { db in
      try lookUp(digests, db)
    }
    let known = found.map { id in id.flatMap { damaged.contains($0) ? nil : $0 } }
    whole.formUnion(known.compactMap { $0 })
    var firsts: [Digest: Int] = [:]
    let new = batch.indices.filter { index in
      guard known[index] == nil, writer.number(of: digests[index]) == nil else { return false }
      return firsts.updateValue(index, forKey: digests[index]) == nil
    }
    let encoded = try Parallel.map(new.count) { [batch] number in
      let piece = batch[new[number]]
      let base = baseOf[new[number]].flatMap { baseContents[$0.id] }
      return try piece.content.withUnsafeBytes { content in
        try Self.encode(content, piece.dtype, base: base)
      }
    }
    for (index, encoded) in zip(new, encoded) {
      _ = writer.add(
        digests[index], sizeBytes: batch[index].content.count, record: encoded.record,
        baseId: encoded.usesBase ? baseOf[index]?.id : nil, mends: found[index] != nil)
    }
    for (index, piece) in batch.enumerated() {
      if let id = known[index] {
        places[piece.segment].append(.stored(id))
      } else if let number = writer.number(of: digests[index]) {
        places[piece.segment].append(.new(number))
      }
    }
  }

  /// What the store knows of the batch: the ids of its chunks, which of these no longer give
  /// their content, and for those that are not here a base with its content.
  private func lookUp(_ digests: [Digest], _ db: Database) throws -> (
    found: [Int64?], damaged: Set<Int64>, baseOf: [Chunk?], baseContents: [Int64: [UInt8]]
  ) {
    let found = try digests.map { digest in
      writer.number(of: digest) == nil ? try Chunk.findId(digest, db) : nil
    }
    var damaged: Set<Int64> = []
    let unread = Array(Set(found.compactMap { $0 }).subtracting(whole))
    let contents = try Chunk.readableContents(of: unread, db)
    for (id, piece) in zip(found, batch) {
      if let id, !whole.contains(id), contents[id] != piece.content { damaged.insert(id) }
    }
    do {
      let baseOf = try batch.indices.map { index -> Chunk? in
        guard found[index] == nil, writer.number(of: digests[index]) == nil,
          let id = batch[index].baseId
        else { return nil }
        return try ChunkPolicy.base(for: try Chunk.get(id, db), db)
      }
      let ids = Array(Set(baseOf.compactMap { $0?.id }))
      let contents = try Chunk.contents(of: ids, db)
      return (found, damaged, baseOf, Dictionary(uniqueKeysWithValues: zip(ids, contents)))
    } catch let error as RegistryError where error.kind == .corrupt {
      // What is damaged must not become anyone's base.
      return (found, damaged, found.map { _ in nil }, [:])
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
