import GRDB
import Storage

/// Which chunk a new one may be a difference to, so that reading it back stays cheap.
///
/// Costs are in bytes. A difference costs its record, which is decoded, and half of the content that
/// moved, which is put together with the base's; measured on one core, a byte takes a nanosecond. A
/// chunk that a version did not change is no step of a chain at all.
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

    /// What undoing this difference costs; a short record moves only some of the content.
    fileprivate var cost: Int {
      depth == 0 ? 0 : lengthBytes + min(sizeBytes, 16 * lengthBytes) / 2
    }
  }

  /// The most that the chain of a base may cost, in sizes of the content: a checkpoint whose values
  /// all moved then takes about four times as long to read as one that stands alone.
  package static let costMax = 4
  /// The most differences to a chunk that is fallen back on: more of them would be ever less
  /// alike, while a branch from nearer the start gives the next ones near bases again.
  package static let childCountMax = 2

  /// Whether a chunk may have a difference more that costs no more than that.
  ///
  /// - Parameters:
  ///   - chain: The chunk, what it is a difference to, and so on to the start.
  ///   - costMax: In sizes of the content.
  private static func mayBeBase(_ chain: some Collection<Hop>, costMax: Double) -> Bool {
    guard let hop = chain.first else { return true }
    let cost = chain.reduce(0) { $0 + $1.cost }
    return hop.depth < Chunk.depthMax && Double(cost) <= costMax * Double(hop.sizeBytes)
  }

  /// Tells whether a chunk is dearer to read than a new one may be.
  ///
  /// - Parameters:
  ///   - chain: The chunk, what it is a difference to, and so on to the start.
  ///   - costMax: The most that the chain of its base may cost.
  /// - Returns: Whether it should get another base.
  package static func isTooCostly(
    _ chain: some Collection<Hop>, costMax: Int = costMax
  ) -> Bool {
    !mayBeBase(chain.dropFirst(), costMax: Double(costMax))
  }

  /// Chooses what a new chunk should be a difference to.
  ///
  /// The nearest, while its chain is cheap enough; else one that leaves half of the cost to the
  /// next ones and has not too many differences yet. So a run's checkpoints become a tree, in
  /// which most are differences to the one before, and a few to one further away.
  ///
  /// - Parameters:
  ///   - chain: The chunk at the same place of the parent, what it is a difference to, and so on.
  ///   - costMax: The most that the chain of a base may cost.
  ///   - childCount: The number of differences to one of them.
  /// - Returns: One of the chain; its start always may be.
  package static func base(
    in chain: [Hop], costMax: Int = costMax, childCount: (Hop) throws -> Int
  ) rethrows -> Hop? {
    if mayBeBase(chain, costMax: Double(costMax)) { return chain.first }
    for (index, hop) in chain.enumerated().dropLast() where hop.depth <= Chunk.depthMax / 2 {
      let isCheap = mayBeBase(chain[index...], costMax: Double(costMax) / 2)
      if try isCheap && childCount(hop) < childCountMax { return hop }
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
