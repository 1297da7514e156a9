package import GRDB
package import Storage

extension Blob {
  /// Reads a part of a file front to back in bounded memory.
  ///
  /// Of all chunks, only those with bytes of the part are decoded, and what these are differences to.
  ///
  /// - Parameters:
  ///   - digest: The file's SHA-256.
  ///   - range: Which bytes, from 0.
  ///   - db: An open read of the weights.
  ///   - body: Gets the bytes, piece by piece; each piece is of a chunk that has its digest.
  /// - Throws: `notFound` without the blob; `invalidInput` for bytes behind its end; `corrupt`; what
  ///   the body throws.
  package static func forEachPiece(
    of digest: Digest, in range: Range<Int64>, _ db: Database,
    _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    let blob = try get(digest, db)
    guard range.lowerBound >= 0, range.upperBound <= blob.sizeBytes else {
      throw RegistryError(
        .invalidInput,
        "bytes \(range.lowerBound) to \(range.upperBound) are not all in the \(blob.sizeBytes) of "
          + "blob \(digest.short)")
    }
    var reached = range.lowerBound
    for stored in try blob.segments(in: range, db) {
      guard stored.segment.offset <= reached else { break }
      reached = try stored.read(from: reached, to: range.upperBound, db, body)
    }
    guard reached == range.upperBound else {
      throw RegistryError(.corrupt, "blob \(digest.short): no segment has byte \(reached)")
    }
  }

  /// Reads a small part of a file; see `forEachPiece`.
  package static func bytes(
    of digest: Digest, in range: Range<Int64>, _ db: Database
  ) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try forEachPiece(of: digest, in: range, db) { bytes += $0 }
    return bytes
  }

  /// The segments with bytes of a range, in file order.
  private func segments(in range: Range<Int64>, _ db: Database) throws -> [StoredSegment] {
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT position, name, dtype, shape, offset, sizeBytes, chunkIds FROM segment
        WHERE blobId = ? AND offset < ? AND offset + sizeBytes > ? ORDER BY position
        """, arguments: [id, range.upperBound, range.lowerBound])
    var segments: [StoredSegment] = []
    while let row = try rows.next() { segments.append(try StoredSegment(row)) }
    return segments
  }
}

extension StoredSegment {
  /// Reads from a byte of the file to another or to the segment's end; returns where it ended.
  fileprivate func read(
    from start: Int64, to limit: Int64, _ db: Database, _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws -> Int64 {
    let chunkSize = Int64(segment.chunkSizeBytes)
    let end = min(limit, segment.offset + segment.sizeBytes)
    guard start < end else { return start }
    guard chunkIds.count == segment.chunkCount else {
      throw RegistryError(.corrupt, "segment \(position) has gaps")
    }
    let indices =
      Int((start - segment.offset) / chunkSize)...Int((end - 1 - segment.offset) / chunkSize)
    let stepCount = max(1, Parallel.batchBytes / segment.chunkSizeBytes)
    for first in stride(from: indices.lowerBound, through: indices.upperBound, by: stepCount) {
      let step = first...min(first + stepCount - 1, indices.upperBound)
      let contents = try Chunk.contents(of: Array(chunkIds[step]), db)
      for (index, content) in zip(step, contents) {
        guard content.count == segment.sizeBytes(ofChunk: index) else {
          throw RegistryError(.corrupt, "segment \(position): chunk \(index) has another size")
        }
        let place = segment.offset + Int64(index) * chunkSize
        let from = Int(max(start - place, 0))
        let to = Int(min(end - place, Int64(content.count)))
        try body(content[from..<to])
      }
    }
    return end
  }
}
