import Foundation
import Storage
import Synchronization

/// Finds or makes the chunks of an import; called by many threads at once.
final class ChunkPlacing: Sendable {
  /// A chunk of the file.
  struct Piece: Sendable {
    let segment: Int
    /// Where its content is among that of its job.
    let range: Range<Int>
    let dtype: DType?
    /// The chunks it may be a difference to, the likeliest first.
    let baseIds: [Int64]
  }

  /// Where a chunk is, with what is to be written when it is nowhere yet.
  struct Placed: Sendable {
    let segment: Int
    let place: PackWriter.Place
    let new: PackWriter.NewChunk?
  }

  /// A piece in work.
  private struct Work {
    let piece: Piece
    let content: UnsafeRawBufferPointer
    let base: ChunkChain?
    /// Nil when the content is the base's.
    let digest: Digest?
    /// Whether no other thread has the same content in work or had it.
    let isMine: Bool
  }

  /// A chunk that the store has; without its records when they cannot be read.
  private struct Known {
    let id: Int64
    let chain: ChunkChain?
  }

  private let store: Store
  private let buffers = Pool { ChunkBuffers() }
  private let claimed = Mutex<Set<Digest>>([])

  init(_ store: Store) {
    self.store = store
  }

  /// Places consecutive pieces, not more than `Chunk.sizeBytesMax` together.
  ///
  /// A piece that equals its base is that chunk: it needs no hash, and that the store gives it
  /// back is seen. A piece that is here elsewhere is read there and stored anew if it is damaged.
  ///
  /// - Parameters:
  ///   - pieces: The pieces.
  ///   - digests: Theirs, where they are known already.
  ///   - content: What has their ranges.
  /// - Returns: Their places in order; a chunk is new once in an import, whoever comes first.
  /// - Throws: `unavailable`; what the codec throws.
  func place(
    _ pieces: [Piece], _ digests: [Digest]?, of content: [UInt8]
  ) throws -> [Placed] {
    var buffers = buffers.take()
    defer { self.buffers.give(buffers) }
    let bases = try readBases(of: pieces, &buffers)
    return try content.withUnsafeBytes { content in
      let work = pieces.indices.map { index in
        claim(
          pieces[index], content[pieces[index].range], digests?[index], bases[index],
          buffers.other)
      }
      do {
        return try zip(work, findKnown(work)).map { try place($0, $1, &buffers) }
      } catch {
        for work in work where work.isMine { unclaim(work) }
        throw error
      }
    }
  }

  /// Decodes what the pieces may be differences to into their ranges of `other`, cut or continued
  /// with zeros; what is damaged becomes nobody's base.
  private func readBases(
    of pieces: [Piece], _ buffers: inout ChunkBuffers
  ) throws -> [ChunkChain?] {
    let chains = try store.read(.weights) { db in
      try pieces.map { piece in
        try piece.baseIds.first.flatMap { id in
          try ifReadable { try ChunkChain.read(id, db).asBase(db) }
        }
      }
    }
    return try zip(chains, pieces).map { chain, piece in
      try ifReadable {
        try chain?.decode(&buffers)
        if let chain { buffers.moveContent(chain.chunk.sizeBytes, toOther: piece.range) }
        return chain
      }
    }
  }

  private func claim(
    _ piece: Piece, _ content: Slice<UnsafeRawBufferPointer>, _ digest: Digest?,
    _ base: ChunkChain?, _ bases: [UInt8]
  ) -> Work {
    let content = UnsafeRawBufferPointer(rebasing: content)
    let isBase = base?.chunk.sizeBytes == content.count && content == bases[piece.range]
    let digest = isBase ? nil : digest ?? Digest(of: content)
    let isMine = digest.map { digest in claimed.withLock { $0.insert(digest).inserted } } ?? false
    return Work(piece: piece, content: content, base: base, digest: digest, isMine: isMine)
  }

  private func unclaim(_ work: Work) {
    claimed.withLock { claimed in
      if let digest = work.digest { claimed.remove(digest) }
    }
  }

  private func findKnown(_ work: [Work]) throws -> [Known?] {
    guard work.contains(where: \.isMine) else { return work.map { _ in nil } }
    return try store.read(.weights) { db in
      try work.map { work in
        guard work.isMine, let digest = work.digest, let id = try Chunk.findId(digest, db) else {
          return nil
        }
        return Known(id: id, chain: try ifReadable { try ChunkChain.read(id, db) })
      }
    }
  }

  private func place(
    _ work: Work, _ known: Known?, _ buffers: inout ChunkBuffers
  ) throws -> Placed {
    func placed(_ place: PackWriter.Place, _ new: PackWriter.NewChunk? = nil) -> Placed {
      Placed(segment: work.piece.segment, place: place, new: new)
    }
    guard let digest = work.digest else {
      return placed(work.base.map { .stored($0.chunk.id) } ?? .stored(0))
    }
    guard work.isMine else { return placed(.new(digest)) }
    if let known, try isReadable(known, as: work.content, &buffers) {
      return placed(.stored(known.id))
    }
    // What mends a chunk needs no other.
    let encoder = ChunkEncoder(content: work.content, dtype: work.piece.dtype)
    let encoded = try encoder.encode(
      known == nil ? work.base : nil, at: work.piece.range,
      others: { try self.otherBases(of: work) }, &buffers)
    return placed(
      .new(digest),
      PackWriter.NewChunk(
        digest: digest, sizeBytes: work.content.count, record: encoded.record,
        baseId: encoded.baseId, mends: known != nil))
  }

  private func isReadable(
    _ known: Known, as content: UnsafeRawBufferPointer, _ buffers: inout ChunkBuffers
  ) throws -> Bool {
    guard let chain = known.chain, chain.chunk.sizeBytes == content.count else { return false }
    let isSame = try ifReadable {
      try chain.decode(&buffers)
      return content == buffers.content[..<content.count]
    }
    return isSame ?? false
  }

  /// What else a piece may be a difference to: what its base is one to, then the further ones.
  private func otherBases(of work: Work) throws -> [ChunkChain] {
    let further = try store.read(.weights) { db in
      try work.piece.baseIds.dropFirst().compactMap { id in
        try ifReadable { try ChunkChain.read(id, db).asBase(db) }
      }
    }
    return (work.base?.bases ?? []) + further
  }

  /// What the body returns; nil when something in the store is damaged.
  private func ifReadable<Value>(_ body: () throws -> Value?) throws -> Value? {
    do {
      return try body()
    } catch let error as RegistryError where error.kind == .corrupt {
      return nil
    }
  }
}

/// Whether bytes are the same.
private func == (bytes: UnsafeRawBufferPointer, other: ArraySlice<UInt8>) -> Bool {
  other.withUnsafeBytes { other in
    guard bytes.count == other.count, let left = bytes.baseAddress,
      let right = other.baseAddress
    else { return bytes.count == other.count }
    return memcmp(left, right, bytes.count) == 0
  }
}
