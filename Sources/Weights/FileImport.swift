import Storage

/// One file of an import: read front to back, cut, and its chunks placed by all cores.
struct FileImport: ~Copyable {
  private let source: SourceFile
  private let writer: PackWriter
  private let placing: ChunkPlacing
  private let contents: Pool<[UInt8]>
  private var jobs = JobQueue<[UInt8], Done>()
  private var hasher = PieceHasher()
  private var segments: [Segment] = []
  private var places: [[PackWriter.Place]] = []
  private var pieces: [ChunkPlacing.Piece] = []
  private var pieceBytes = 0
  private var readBytes: Int64 = 0

  /// The bytes of the records that are new.
  private(set) var storedBytes: Int64 = 0

  /// What a job gives: the places, and its memory back.
  private struct Done: Sendable {
    let placed: [ChunkPlacing.Placed]
    let content: [UInt8]
  }

  /// Pieces of less than this together are placed by the caller's thread.
  private static let jobBytesMin = 64 << 10
  private static let pieceCountMax = 256

  init(
    _ source: SourceFile, writer: PackWriter, placing: ChunkPlacing, contents: Pool<[UInt8]>
  ) {
    self.source = source
    self.writer = writer
    self.placing = placing
    self.contents = contents
  }

  /// Reads a file that has been parsed.
  ///
  /// - Parameters:
  ///   - segments: Its segments in file order, without holes.
  ///   - bases: For each segment the chunks that its chunks may be differences to.
  ///   - progress: Called with the bytes that are read.
  /// - Throws: `invalidInput` when the file changes; `unavailable`.
  mutating func readSegments(
    _ segments: [Segment], bases: [[[Int64]]], _ progress: (Int64) throws -> Void
  ) throws {
    self.segments = segments
    places = segments.map { _ in [] }
    try finishingJobs { reader in
      for (number, segment) in segments.enumerated() {
        for index in 0..<segment.chunkCount {
          let baseIds = bases[number].compactMap { $0.indices.contains(index) ? $0[index] : nil }
          try reader.add(
            segment.sizeBytes(ofChunk: index), segment: number, dtype: segment.dtype,
            baseIds: baseIds, progress)
        }
      }
      try reader.placePieces(progress)
    }
  }

  /// Reads a file that is cut by its content: each piece becomes a segment of one chunk.
  mutating func readByContent(_ progress: (Int64) throws -> Void) throws {
    try finishingJobs { reader in
      while reader.readBytes < reader.source.sizeBytes {
        var content = reader.contents.take()
        let rest = min(Int64(content.count), reader.source.sizeBytes - reader.readBytes)
        let size = try content.withUnsafeMutableBytes { content in
          let part = UnsafeMutableRawBufferPointer(rebasing: content[..<Int(rest)])
          try reader.source.read(into: part, at: reader.readBytes)
          return ContentCut.first(of: UnsafeRawBufferPointer(part))
        }
        reader.segments.append(
          Segment(tensor: nil, offset: reader.readBytes, sizeBytes: Int64(size)))
        reader.places.append([])
        reader.pieces.append(
          ChunkPlacing.Piece(
            segment: reader.segments.count - 1, range: 0..<size, dtype: nil, baseIds: []))
        try reader.place(content, size, progress)
      }
    }
  }

  /// The blob, once all of it is read.
  func blob(container: Container) -> PackWriter.NewBlob {
    PackWriter.NewBlob(
      digest: hasher.finalize(), sizeBytes: source.sizeBytes, container: container,
      segments: segments, places: places)
  }

  /// Takes what all jobs gave, whatever fails: nobody else stores the chunks that they claimed.
  private mutating func finishingJobs(
    _ body: (inout FileImport) throws -> Void
  ) throws {
    do {
      try body(&self)
    } catch {
      while let job = jobs.popFirst() {
        if let done = try? job.get() { try? take(done) }
      }
      throw error
    }
    while let job = jobs.popFirst() { try take(try job.get()) }
  }

  /// Adds the next piece, and places those before it first when a job would become too large.
  private mutating func add(
    _ size: Int, segment: Int, dtype: DType?, baseIds: [Int64],
    _ progress: (Int64) throws -> Void
  ) throws {
    if pieceBytes + size > Chunk.sizeBytesMax || pieces.count >= Self.pieceCountMax {
      try placePieces(progress)
    }
    pieces.append(
      ChunkPlacing.Piece(
        segment: segment, range: pieceBytes..<pieceBytes + size, dtype: dtype, baseIds: baseIds))
    pieceBytes += size
  }

  private mutating func placePieces(_ progress: (Int64) throws -> Void) throws {
    guard !pieces.isEmpty else { return }
    var content = contents.take()
    try content.withUnsafeMutableBytes { content in
      try source.read(
        into: UnsafeMutableRawBufferPointer(rebasing: content[..<pieceBytes]), at: readBytes)
    }
    try place(content, pieceBytes, progress)
  }

  /// Hashes the next bytes of the file and has their pieces placed.
  private mutating func place(
    _ content: [UInt8], _ size: Int, _ progress: (Int64) throws -> Void
  ) throws {
    let digests = content.withUnsafeBytes { content in
      hasher.update(
        UnsafeRawBufferPointer(rebasing: content[..<size]), pieces: pieces.map(\.range))
    }
    readBytes += Int64(size)
    pieceBytes = 0
    if jobs.isFull, let job = jobs.popFirst() { try take(try job.get()) }
    jobs.add(content, isShort: size < Self.jobBytesMin) { [placing, pieces] content in
      Done(placed: try placing.place(pieces, digests, of: content), content: content)
    }
    pieces = []
    try progress(readBytes)
  }

  private mutating func take(_ done: Done) throws {
    for placed in done.placed {
      places[placed.segment].append(placed.place)
      if let new = placed.new {
        storedBytes += Int64(new.record.count)
        try writer.add(new)
      }
    }
    contents.give(done.content)
  }
}
