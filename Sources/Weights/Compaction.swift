package import GRDB
package import Storage

/// Shorter chains and smaller records for what a store has: work that may stop after any step.
///
/// Chunks change their records and never their content, and no chunk comes to lie deeper in its
/// chain; what is no longer needed as a base is left to `Blob.collect`.
package struct Compaction: Sendable {
  /// How much is tried.
  package enum Effort: Sendable {
    /// Chains that are dear to read, and chunks that no blob holds.
    case needed
    /// Every chunk, for a smaller record against what its chain starts from or passes.
    case all
  }

  /// The chunks that were looked at.
  package private(set) var chunkCount = 0
  /// Their content.
  package private(set) var lookedAtBytes: Int64 = 0
  /// The chunks that have another record now.
  package private(set) var movedCount = 0
  /// By how much the records of all needed chunks became less; negative when chains were dear.
  package private(set) var savedBytes: Int64 = 0

  private let effort: Effort
  private let isDryRun: Bool
  private let costMax: Int
  /// What a dry run has come to.
  private var planned: ChunkForest?
  /// The chunks that were looked at; a number that was used anew is looked at the next time.
  private var seen: Set<Int64> = []

  /// Begins one.
  ///
  /// - Parameters:
  ///   - effort: How much is tried.
  ///   - dryRun: Whether to count only.
  ///   - costMax: How dear the chain of a base may be.
  package init(_ effort: Effort, dryRun: Bool = false, costMax: Int = ChunkPolicy.costMax) {
    self.effort = effort
    self.costMax = costMax
    isDryRun = dryRun
  }

  /// Works for a while.
  ///
  /// The caller holds `Store.withoutContentUsers`. Each transaction leaves everything readable, so
  /// the process may end at any point.
  ///
  /// - Parameters:
  ///   - live: The digests of all blobs that are named; other blobs do not count.
  ///   - store: An open store.
  ///   - isOver: Asked after each chunk whether to stop; may throw to stop at once.
  /// - Returns: Whether all is done.
  /// - Throws: `corrupt` when rows do not fit together; `unavailable` when the disk is full.
  package mutating func work(
    live: Set<Digest>, in store: Store, isOver: () throws -> Bool
  ) throws -> Bool {
    var forest = try planned ?? store.read(.weights) { try ChunkForest(live: live, $0) }
    let recordBytes = forest.recordBytes
    var writer = RebaseWriter(store, isDryRun: isDryRun)
    let chunks = forest.keptAsBases + forest.held
    for chunk in chunks where seen.insert(chunk.id).inserted {
      var rebases: [Rebase] = []
      if forest.dtypes[chunk.id] == nil {
        rebases = try Rebase.away(chunk.id, &forest, store, costMax: costMax)
      } else if effort == .all || isTooCostly(chunk, forest) {
        rebases = try Rebase.better(chunk.id, &forest, store, costMax: costMax)
      }
      try writer.add(rebases)
      chunkCount += 1
      lookedAtBytes += Int64(chunk.sizeBytes)
      movedCount += rebases.count
      if try isOver() { break }
    }
    try writer.flush()
    savedBytes += recordBytes - forest.recordBytes
    if isDryRun { planned = forest }
    return chunks.allSatisfy { seen.contains($0.id) }
  }

  private func isTooCostly(_ chunk: ChunkPolicy.Hop, _ forest: ChunkForest) -> Bool {
    ChunkPolicy.isTooCostly(forest.chain(of: chunk.id), costMax: costMax)
  }

  /// The bytes of all records, and of the content that they stand for.
  package static func sizes(_ db: Database) throws -> (records: Int64, contents: Int64) {
    let row = try Row.fetchOne(
      db, sql: "SELECT total(lengthBytes) AS records, total(sizeBytes) AS contents FROM chunk")
    func size(_ column: String) throws -> Int64 {
      Int64(exactly: try row?.value(column) ?? 0.0) ?? 0
    }
    return (try size("records"), try size("contents"))
  }
}
