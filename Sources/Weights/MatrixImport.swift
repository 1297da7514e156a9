import Foundation
import GRDB
import Storage
import Synchronization

/// One matrix of a file that is imported: finds out once whether it has a low rank beside its base.
final class MatrixImport: Sendable {
  /// A column factor, as a chunk that the matrix's records name.
  struct Factor: Sendable {
    let factor: LowRankFactor
    let content: [UInt8]
    let digest: Digest
    /// The length of its record.
    let recordBytes: Int
    /// What is to be stored; nil when the store has it.
    let new: PackWriter.NewChunk?
  }

  private enum State {
    case unknown
    case known(Factor?)
  }

  private static let partsMax = 16

  private let matrix: LowRankMatrix
  private let segment: Segment
  private let base: BaseTensor
  private let source: SourceFile
  private let store: Store
  private let state = Mutex(State.unknown)

  /// Takes a segment and its likeliest base; nil when the segment is no matrix that may profit.
  init?(_ segment: Segment, base: BaseTensor?, of source: SourceFile, in store: Store) {
    guard let base, let from = base.dtype, let to = segment.dtype, from.isFloat, to.isFloat,
      (from.sizeBytes == 8) == (to.sizeBytes == 8),  // else their chunks begin elsewhere
      let matrix = LowRankMatrix(
        shape: segment.tensor?.shape ?? [], cast: Prediction.Cast(from: from, to: to)),
      segment.sizeBytes / Int64(to.sizeBytes) == Int64(matrix.rows) * Int64(matrix.columns)
    else { return nil }
    self.matrix = matrix
    self.segment = segment
    self.base = base
    self.source = source
    self.store = store
  }

  /// The part of the factor's record that a chunk of the matrix pays.
  func share(of factor: Factor, sizeBytes: Int) -> Int {
    factor.recordBytes * sizeBytes / Int(segment.sizeBytes)
  }

  /// A chunk of the matrix as a part of it.
  func part(
    _ index: Int, content: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer
  ) -> LowRankMatrix.Part {
    let elements = segment.chunkSizeBytes / matrix.cast.target.sizeBytes
    return LowRankMatrix.Part(content: content, base: base, first: index * elements)
  }

  /// The factor, if the first chunk that is asked for looks as if there were one.
  ///
  /// Others wait meanwhile: all chunks of a matrix have the same.
  func factor(for part: LowRankMatrix.Part) throws -> Factor? {
    try state.withLock { state in
      if case .known(let factor) = state { return factor }
      state = .known(nil)
      var search = LowRankSearch(matrix)
      guard let guess = search.screen(part) else { return nil }
      try addParts(to: &search)
      guard let found = search.factor(guess: guess) else { return nil }
      let factor = try chunk(of: found)
      state = .known(factor)
      return factor
    }
  }

  /// Reads chunks of the file and of the base, spread over the matrix.
  private func addParts(to search: inout LowRankSearch) throws {
    let count = min(segment.chunkCount, Self.partsMax)
    var buffers = ChunkBuffers()
    for number in 0..<count {
      let index = number * segment.chunkCount / count
      guard let place = base.place(ofChunk: index, of: segment),
        let chain = try? store.read(.weights, { try ChunkChain.read(place.id, $0) }),
        (try? chain.decode(&buffers)) != nil
      else { continue }
      let size = segment.sizeBytes(ofChunk: index)
      try buffers.other.withUnsafeMutableBytes { content in
        let content = UnsafeMutableRawBufferPointer(rebasing: content[..<size])
        try source.read(
          into: content,
          at: segment.offset + Int64(index) * Int64(segment.chunkSizeBytes))
        buffers.content.withUnsafeBytes { base in
          search.add(
            part(
              index, content: UnsafeRawBufferPointer(content),
              base: UnsafeRawBufferPointer(rebasing: base[..<chain.chunk.sizeBytes])),
            rowsMax: (search.rowsWanted + count - 1) / count)
        }
      }
    }
  }

  /// The chunk that a factor is stored as; nil when the store has it as a difference.
  private func chunk(of factor: LowRankFactor) throws -> Factor? {
    let content = factor.content
    let digest = Digest(of: content)
    let record = try content.withUnsafeBytes {
      try ChunkCodec.encode($0, element: .f32, base: nil).record
    }
    func found(_ new: PackWriter.NewChunk?) -> Factor {
      Factor(
        factor: factor, content: content, digest: digest, recordBytes: record.count, new: new)
    }
    let (known, isReadable) = try store.read(.weights) { db in
      guard let id = try Chunk.findId(digest, db) else { return (nil as Chunk?, false) }
      let isReadable = (try? Chunk.contents(of: [id], db)) != nil
      return (try? Chunk.get(id, db), isReadable)
    }
    if let known, isReadable { return known.depth == 0 ? found(nil) : nil }
    return found(
      PackWriter.NewChunk(
        digest: digest, sizeBytes: content.count, record: record, baseId: nil,
        mends: known != nil))
  }
}
