import GRDB
import Storage

/// A new record of a chunk, and what it is a difference to.
struct Rebase: Sendable {
  let chunk: ChunkPolicy.Hop
  let baseId: Int64?
  let record: [UInt8]

  var savedBytes: Int { chunk.lengthBytes - record.count }
}

extension Rebase {
  /// The most differences to a chunk for which it is tried to do without it.
  private static let childCountMax = 8
  /// The most of them that are tried as the base of the others.
  private static let headCountMax = 3

  /// Finds a better record for one chunk: another base for one that is too dear to read, else a
  /// smaller one against what its chain passes or starts from; none where there is none.
  static func better(
    _ id: Int64, _ forest: inout ChunkForest, _ store: Store, costMax: Int
  ) throws -> [Rebase] {
    let chain = forest.chain(of: id)
    let isTooCostly = ChunkPolicy.isTooCostly(chain, costMax: costMax)
    guard let chunk = chain.first, try chain.count > 1 || isOfOldFormat(id, store),
      let trial = try Trial(of: [chunk], with: chain.dropFirst(), forest, store)
    else { return [] }
    let bases = isTooCostly ? cheaperBases(chain, forest, costMax) : nearBases(chain)
    let records = try trial.rebases(bases.map { (chunk, $0) })
    for rebase in records.sorted(by: { $0.record.count < $1.record.count }) {
      if !isTooCostly, rebase.savedBytes <= 16 + chunk.lengthBytes / 128 { break }
      forest.move(rebase)
      if !ChunkPolicy.isTooCostly(forest.chain(of: id), costMax: costMax) { return [rebase] }
      forest.moveBack(chunk, to: chain.dropFirst().first?.id)
    }
    return []
  }

  /// A chunk that stands alone can become smaller only by a newer codec.
  private static func isOfOldFormat(_ id: Int64, _ store: Store) throws -> Bool {
    try store.read(.weights) { db in
      try Pack.records(of: [try Chunk.get(id, db)], db)[0].first != ChunkHeader.version
    }
  }

  /// The base, its own and the start of the chain; nil stands alone.
  private static func nearBases(_ chain: [ChunkPolicy.Hop]) -> [Int64?] {
    guard chain.count > 1 else { return [nil] }
    return Set(chain.dropFirst().prefix(2).map(\.id) + chain.suffix(1).map(\.id)).sorted()
  }

  /// What an import would choose now, and the start of the chain.
  private static func cheaperBases(
    _ chain: [ChunkPolicy.Hop], _ forest: ChunkForest, _ costMax: Int
  ) -> [Int64?] {
    let chosen = ChunkPolicy.base(in: Array(chain.dropFirst()), costMax: costMax) {
      forest.children(of: $0.id).count
    }
    return Set([chosen?.id, chain.last?.id].compactMap { $0 }).sorted()
  }

  /// Finds records with which nothing needs a chunk any more that no blob holds: differences to
  /// its own base, or to one of themselves; none unless the store becomes smaller.
  static func away(
    _ id: Int64, _ forest: inout ChunkForest, _ store: Store, costMax: Int
  ) throws -> [Rebase] {
    let children = forest.children(of: id)
    let base = forest.base(of: id)
    guard let gone = forest.hop(id), (1...childCountMax).contains(children.count),
      children.allSatisfy({ forest.dtypes[$0.id] != nil }),
      let trial = try Trial(of: children, with: base.map { [$0] } ?? [], forest, store)
    else { return [] }
    let flat = try trial.rebases(children.map { ($0, base?.id) })
    var plans = [flat]
    let heads = flat.indices.sorted { children[$0].lengthBytes < children[$1].lengthBytes }
    for head in heads.prefix(headCountMax) where children.count > 1 {
      let others = children.indices.filter { $0 != head }
      let onHead = try trial.rebases(others.map { (children[$0], children[head].id) })
      plans.append(
        [flat[head]]
          + zip(others, onHead).map { $1.record.count < flat[$0].record.count ? $1 : flat[$0] })
    }
    func length(_ plan: [Rebase]) -> Int { plan.reduce(0) { $0 + $1.record.count } }
    for plan in plans.sorted(by: { length($0) < length($1) }) {
      let saved = gone.lengthBytes + plan.reduce(0) { $0 + $1.savedBytes }
      guard saved > length(plan) / 64 else { break }  // or it is not worth the writing
      for rebase in plan { forest.move(rebase) }
      if !children.contains(where: {
        ChunkPolicy.isTooCostly(forest.chain(of: $0.id), costMax: costMax)
      }) {
        return plan
      }
      for rebase in plan.reversed() { forest.moveBack(rebase.chunk, to: id) }
    }
    return []
  }
}

extension ChunkForest {
  fileprivate mutating func move(_ rebase: Rebase) {
    move(rebase.chunk.id, to: rebase.baseId, lengthBytes: rebase.record.count)
  }

  fileprivate mutating func moveBack(_ chunk: ChunkPolicy.Hop, to baseId: Int64?) {
    move(chunk.id, to: baseId, lengthBytes: chunk.lengthBytes)
  }
}

/// Encodes chunks against each other.
private struct Trial {
  private let contents: [Int64: [UInt8]]
  private let dtypes: [Int64: DType?]

  /// Reads the content of chunks and of what they may become differences to.
  ///
  /// - Returns: nil when some of it is damaged: that is for `verify` to tell, and no base.
  init?(
    of chunks: [ChunkPolicy.Hop], with bases: some Sequence<ChunkPolicy.Hop>,
    _ forest: ChunkForest, _ store: Store
  ) throws {
    let ids = Array(Set(chunks.map(\.id) + bases.map(\.id)))
    do {
      let contents = try store.read(.weights) { try Chunk.contents(of: ids, $0) }
      self.contents = Dictionary(zip(ids, contents), uniquingKeysWith: { first, _ in first })
    } catch let error as RegistryError where error.kind == .corrupt {
      return nil
    }
    dtypes = forest.dtypes
  }

  /// Encodes pairs of a chunk and a base.
  func rebases(_ pairs: [(chunk: ChunkPolicy.Hop, baseId: Int64?)]) throws -> [Rebase] {
    try Parallel.map(pairs.count) { index in
      let (chunk, baseId) = pairs[index]
      let encoded = try (contents[chunk.id] ?? []).withUnsafeBytes { content in
        guard let baseId, let base = contents[baseId] else {
          return try ChunkCodec.encode(content, element: dtypes[chunk.id] ?? nil, base: nil)
        }
        return try base.withUnsafeBytes {
          try ChunkCodec.encode(content, element: dtypes[chunk.id] ?? nil, base: $0)
        }
      }
      return Rebase(
        chunk: chunk, baseId: encoded.usesBase ? baseId : nil, record: encoded.record)
    }
  }
}
