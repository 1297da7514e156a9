import GRDB
import Storage

/// Which chunks no longer give their content, and by whose fault.
struct ChunkDamage {
  /// What is wrong with each chunk that cannot be read.
  private(set) var messages: [Int64: String] = [:]
  private var whole: Set<Int64> = []

  /// What the rows alone tell, of chunks and of all that are decoded with them.
  init(ofRows db: Database) throws {
    try addMisplaced(db)
    try addBroken(db)
    guard !messages.isEmpty else { return }
    let needs = try Self.needs(db)
    for _ in 0...Chunk.depthMax {
      let reached = needs.compactMap { id, others -> (Int64, String)? in
        guard messages[id] == nil else { return nil }
        guard let cause = others.first(where: { messages[$0] != nil }) else { return nil }
        return messages[cause].map { (id, $0) }
      }
      for (id, message) in reached { messages[id] = message }
    }
  }

  private mutating func addMisplaced(_ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT chunk.id, chunk.digest, pack.id IS NULL AS isLost
        FROM chunk LEFT JOIN pack ON pack.id = chunk.packId
        WHERE pack.id IS NULL OR chunk.offset < 0 OR chunk.lengthBytes < 1
          OR chunk.offset + chunk.lengthBytes > length(pack.content)
          OR chunk.sizeBytes NOT BETWEEN 1 AND ? OR chunk.depth NOT BETWEEN 0 AND ?
        """, arguments: [Chunk.sizeBytesMax, Chunk.depthMax])
    for row in rows {
      let isLost: Bool = try row.value("isLost")
      try add(
        row,
        isLost ? "its pack is missing" : "its row is impossible, or its record outside its pack")
    }
  }

  private mutating func addBroken(_ db: Database) throws {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT chunk.id, chunk.digest
        FROM chunk LEFT JOIN chunk AS base ON base.id = chunk.baseChunkId
          LEFT JOIN chunk AS factor ON factor.id = chunk.factorChunkId
        WHERE chunk.baseChunkId IS NOT NULL AND chunk.depth IS NOT base.depth + 1
          OR chunk.baseChunkId IS NULL AND chunk.depth <> 0
          OR chunk.factorChunkId IS NOT NULL
            AND (factor.depth IS NOT 0 OR chunk.baseChunkId IS NULL)
        """)
    for row in rows { try add(row, "its chain of differences is broken") }
  }

  private mutating func add(_ row: Row, _ message: String) throws {
    let id: Int64 = try row.value("id")
    guard messages[id] == nil else { return }
    let digest: Digest? = try? row.value("digest")
    messages[id] = "chunk \(digest?.short ?? "number \(id)"): \(message)"
  }

  /// Reads chunks that nobody has looked at yet, and keeps in mind which are damaged.
  mutating func look(at ids: [Int64], _ db: Database) throws {
    var unseen: [Int64] = []
    var seen: Set<Int64> = []
    for id in ids where messages[id] == nil && !whole.contains(id) && seen.insert(id).inserted {
      unseen.append(id)
    }
    for start in stride(from: 0, to: unseen.count, by: Self.batchCount) {
      let batch = Array(unseen[start..<min(start + Self.batchCount, unseen.count)])
      if try read(batch, db) == nil { continue }
      for id in batch {
        if let message = try read([id], db) { messages[id] = message }
      }
    }
  }

  private static let batchCount = 4  // few are read again one by one for each that is damaged

  /// Reads chunks; the message when that fails.
  private mutating func read(_ ids: [Int64], _ db: Database) throws -> String? {
    do {
      _ = try RegistryError.translating(.weights) { try Chunk.contents(of: ids, db) }
      whole.formUnion(ids)
      return nil
    } catch let error as RegistryError where error.kind == .corrupt {
      return error.message
    }
  }

  /// For each chunk that cannot be read the one that is at fault: itself, or what it is decoded with.
  func causes(_ db: Database) throws -> [Int64: Int64] {
    guard !messages.isEmpty else { return [:] }
    let needs = try Self.needs(db)
    var causes: [Int64: Int64] = [:]
    for id in messages.keys {
      var cause = id
      for _ in 0...Chunk.depthMax {
        guard let other = needs[cause]?.first(where: { messages[$0] != nil }) else { break }
        cause = other
      }
      causes[id] = cause
    }
    return causes
  }

  /// What each chunk is decoded with.
  private static func needs(_ db: Database) throws -> [Int64: [Int64]] {
    var needs: [Int64: [Int64]] = [:]
    for column in ChunkNeeds.columns {
      let rows = try Row.fetchCursor(
        db, sql: "SELECT id, \(column) FROM chunk WHERE \(column) IS NOT NULL")
      while let row = try rows.next() {
        needs[try row.value(at: 0), default: []].append(try row.value(at: 1))
      }
    }
    return needs
  }
}
