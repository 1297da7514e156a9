import Storage

/// Reads chunks in order, decoded on all cores, in memory that does not grow with their number.
///
/// Their digests are not compared: the caller has one of all.
struct ChunkReader: ~Copyable {
  private struct Piece: Sendable {
    let id: Int64
    let sizeBytes: Int
  }

  private struct Done: Sendable {
    let content: [UInt8]
    let sizeBytes: Int
  }

  private static let pieceCountMax = 256

  private let store: Store
  private let contents = Pool { [UInt8](repeating: 0, count: Chunk.sizeBytesMax) }
  private let buffers = Pool { ChunkBuffers() }
  private var jobs = JobQueue<[UInt8], Done>()
  private var pieces: [Piece] = []
  private var pieceBytes = 0

  init(_ store: Store) {
    self.store = store
  }

  /// Adds the next chunk; the body gets the content of earlier ones.
  mutating func add(
    _ id: Int64, sizeBytes: Int, _ body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if pieceBytes + sizeBytes > Chunk.sizeBytesMax || pieces.count >= Self.pieceCountMax {
      try start(body)
    }
    pieces.append(Piece(id: id, sizeBytes: sizeBytes))
    pieceBytes += sizeBytes
  }

  /// Reads the rest.
  mutating func finish(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try start(body)
    while let job = jobs.popFirst() { try take(try job.get(), body) }
  }

  private mutating func start(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    guard !pieces.isEmpty else { return }
    if jobs.isFull, let job = jobs.popFirst() { try take(try job.get(), body) }
    jobs.add(contents.take()) { [store, buffers, pieces] content in
      var own = buffers.take()
      defer { buffers.give(own) }
      return try Self.read(pieces, into: content, store, &own)
    }
    pieces = []
    pieceBytes = 0
  }

  private func take(_ done: Done, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try done.content.withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[..<done.sizeBytes]))
    }
    contents.give(done.content)
  }

  private static func read(
    _ pieces: [Piece], into content: consuming [UInt8], _ store: Store,
    _ buffers: inout ChunkBuffers
  ) throws -> Done {
    let chains = try store.read(.weights) { db in
      try pieces.map { try ChunkChain.read($0.id, db) }
    }
    swap(&content, &buffers.other)
    var start = 0
    for (chain, piece) in zip(chains, pieces) {
      guard chain.chunk.sizeBytes == piece.sizeBytes else {
        throw RegistryError(
          .corrupt, "chunk \(chain.chunk.digest.short) is not of \(piece.sizeBytes) bytes")
      }
      try chain.decode(&buffers)
      buffers.moveContent(piece.sizeBytes, toOther: start..<start + piece.sizeBytes)
      start += piece.sizeBytes
    }
    swap(&content, &buffers.other)
    return Done(content: content, sizeBytes: start)
  }
}
