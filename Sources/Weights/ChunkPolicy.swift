import GRDB
import Storage

/// Which chunk a new one may be a difference to, so that reading it back stays cheap.
///
/// Measured: a difference takes as long to undo as a chunk that stands alone, however small its
/// record, unless most of the content did not move; and so does what every chunk needs, hashing
/// and writing. A chunk that a version did not change is no step of a chain at all.
package enum ChunkPolicy {
  /// One step of a chain, as its row tells it.
  package struct Hop: Sendable, Equatable {
    /// The chunk.
    package let id: Int64
    /// The size of its content.
    package let sizeBytes: Int
    /// The size of its record.
    package let lengthBytes: Int
    /// The differences to undo.
    package let depth: Int

    /// Makes a step.
    package init(id: Int64, sizeBytes: Int, lengthBytes: Int, depth: Int) {
      self.id = id
      self.sizeBytes = sizeBytes
      self.lengthBytes = lengthBytes
      self.depth = depth
    }

    /// The bytes of content that have to be decoded: a short record moves only some of them.
    fileprivate var movedBytes: Int { min(sizeBytes, 16 * lengthBytes) }
  }

  /// The most that a chunk may cost to read, in what it would cost if it stood alone.
  package static let costMax = 3
  /// The most differences to a chunk that is fallen back on: more of them would be ever less
  /// alike, while a new chain from nearer the start stays short for as many more.
  package static let childCountMax = 4

  /// Whether a chunk is dearer to read than a new one may be.
  ///
  /// - Parameter chain: The chunk, what it is a difference to, and so on to the start.
  package static func isTooCostly(_ chain: some Sequence<Hop>) -> Bool {
    var total = 0
    var most = 0
    var sizeBytes: Int?
    for hop in chain {
      sizeBytes = sizeBytes ?? hop.sizeBytes
      total += hop.movedBytes
      most = max(most, hop.movedBytes)  // no record is longer than that of a chunk that stands alone
    }
    let delivery = sizeBytes ?? 0
    return delivery + total > costMax * (delivery + most)
  }

  /// Chooses what a new chunk should be a difference to.
  ///
  /// The nearest that leaves its chain cheap enough, taking it to need as long a record as the
  /// nearest itself; beyond the nearest one that has not too many differences yet. So a run's
  /// checkpoints become a tree of a few levels, in which each is close to its base.
  ///
  /// - Parameters:
  ///   - chain: The chunk at the same place of the parent, what it is a difference to, and so on.
  ///   - childCount: The number of differences to one of them.
  /// - Returns: One of the chain; its start always may be.
  package static func base(in chain: [Hop], childCount: (Hop) throws -> Int) rethrows -> Hop? {
    guard let nearest = chain.first else { return nil }
    for (index, hop) in chain.dropLast().enumerated() where hop.depth < Chunk.depthMax {
      guard !isTooCostly([nearest] + chain[index...]),
        try index == 0 || childCount(hop) < childCountMax
      else { continue }
      return hop
    }
    return chain.last
  }
}

extension ChunkPolicy {
  /// Chooses with the numbers of differences that the store has.
  static func base(in chain: [Hop], _ db: Database) throws -> Hop? {
    try base(in: chain) { hop in
      let statement = try db.cachedStatement(
        sql: "SELECT count(*) FROM chunk WHERE baseChunkId = ?")
      return try Int.fetchOne(statement, arguments: [hop.id]) ?? 0
    }
  }
}

extension Chunk {
  /// This chunk as a step of a chain.
  var hop: ChunkPolicy.Hop {
    ChunkPolicy.Hop(id: id, sizeBytes: sizeBytes, lengthBytes: lengthBytes, depth: depth)
  }
}
