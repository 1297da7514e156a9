import GRDB
import Storage

/// All chunks that some blobs need, with what they are differences to: what compaction plans on.
struct ChunkForest: Sendable {
  typealias Hop = ChunkPolicy.Hop

  /// The type of the elements of each chunk that a blob holds; of bytes without a type nil.
  let dtypes: [Int64: DType?]
  private var hops: [Int64: Hop] = [:]
  private var baseIds: [Int64: Int64] = [:]
  private var childIds: [Int64: Set<Int64>] = [:]

  /// Reads the rows.
  ///
  /// - Throws: `corrupt` when they do not fit together.
  init(live: Set<Digest>, _ db: Database) throws {
    let blobs = try Blob.list(db).filter { live.contains($0.digest) }
    var dtypes: [Int64: DType?] = [:]
    for blob in blobs {
      for stored in try StoredSegment.list(blobId: blob.id, db) {
        for id in stored.chunkIds { dtypes.updateValue(stored.segment.dtype, forKey: id) }
      }
    }
    self.dtypes = dtypes
    let needed = try ChunkNeeds(db).chunkIds(ofBlobs: blobs, db)
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM chunk")
    while let row = try rows.next() {
      let chunk = try Chunk(row)
      guard needed.contains(chunk.id) else { continue }
      hops[chunk.id] = chunk.hop
      guard let baseId = chunk.baseId else { continue }
      baseIds[chunk.id] = baseId
      childIds[baseId, default: []].insert(chunk.id)
    }
    for (id, baseId) in baseIds {
      guard let hop = hops[id], let base = hops[baseId], base.depth == hop.depth - 1 else {
        throw RegistryError(.corrupt, "chunk number \(id): its chain of differences is broken")
      }
    }
  }

  /// The chunks that blobs hold, those near the start of their chains first.
  var held: [Hop] {
    hops.values.filter { dtypes[$0.id] != nil }.sorted { ($0.depth, $0.id) < ($1.depth, $1.id) }
  }

  /// The chunks that no blob holds, kept for their differences only; the longest chains first.
  var keptAsBases: [Hop] {
    hops.values.filter { dtypes[$0.id] == nil }.sorted { ($1.depth, $0.id) < ($0.depth, $1.id) }
  }

  /// The records of all that is held and of what that is decoded with.
  var recordBytes: Int64 {
    var seen: Set<Int64> = []
    var sum: Int64 = 0
    for id in dtypes.keys {
      var next = hops[id]
      while let hop = next, seen.insert(hop.id).inserted {
        sum += Int64(hop.lengthBytes)
        next = base(of: hop.id)
      }
    }
    return sum
  }

  func hop(_ id: Int64) -> Hop? { hops[id] }

  func base(of id: Int64) -> Hop? { baseIds[id].flatMap { hops[$0] } }

  func children(of id: Int64) -> [Hop] {
    (childIds[id] ?? []).sorted().compactMap { hops[$0] }
  }

  /// The chunk, what it is a difference to, and so on to the start.
  func chain(of id: Int64) -> [Hop] {
    var chain: [Hop] = []
    var next = hops[id]
    while let hop = next {
      chain.append(hop)
      next = base(of: hop.id)
    }
    return chain
  }

  /// Takes a new record and base of a chunk, which must not come to lie deeper than it was.
  mutating func move(_ id: Int64, to baseId: Int64?, lengthBytes: Int) {
    guard let hop = hops[id] else { return }
    if let old = baseIds[id] { childIds[old]?.remove(id) }
    baseIds[id] = baseId
    if let baseId { childIds[baseId, default: []].insert(id) }
    let depth = baseId.flatMap { hops[$0]?.depth }.map { $0 + 1 } ?? 0
    hops[id] = Hop(id: id, sizeBytes: hop.sizeBytes, lengthBytes: lengthBytes, depth: depth)
    var next = children(of: id)
    while let child = next.popLast() {
      let depth = (base(of: child.id)?.depth ?? 0) + 1
      hops[child.id] = Hop(
        id: child.id, sizeBytes: child.sizeBytes, lengthBytes: child.lengthBytes, depth: depth)
      next += children(of: child.id)
    }
  }
}
