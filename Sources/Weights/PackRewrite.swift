import GRDB
import Storage

extension Pack {
  /// A pack of less than this is put together with others: each leaves a page half empty.
  private static let smallBytes = sizeBytesMax / 2

  /// A pack that takes more of the disk than its live records need.
  private struct Wasteful {
    let id: Int64
    let liveBytes: Int
    let isSparse: Bool
  }

  /// Writes the live records of packs of which a quarter or more is dead, and of small ones, into
  /// new packs.
  ///
  /// Each transaction moves records and their places together, so that it may end after any of
  /// them.
  static func rewriteSparse(in store: Store, _ progress: (Int64) -> Void) throws {
    let packs = try store.read(.weights) { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT id, live, live * 4 <= sizeBytes * 3 AS isSparse FROM (
            SELECT id, length(content) AS sizeBytes, (
              SELECT coalesce(sum(lengthBytes), 0) FROM chunk WHERE packId = pack.id
            ) AS live
            FROM pack
          )
          WHERE isSparse OR sizeBytes < ? ORDER BY id
          """, arguments: [smallBytes]
      ).map {
        Wasteful(
          id: try $0.value("id"), liveBytes: try $0.value("live"),
          isSparse: try $0.value("isSparse"))
      }
    }
    var done: Int64 = 0
    for group in groups(packs) where group.count > 1 || group[0].isSparse {
      let liveBytes = group.reduce(0) { $0 + $1.liveBytes }
      try store.write(.weights) { try rewrite(group.map(\.id), $0) }
      done += Int64(liveBytes)
      progress(done)
    }
  }

  /// Neighbours whose live records fit into one pack.
  private static func groups(_ packs: [Wasteful]) -> [[Wasteful]] {
    var groups: [[Wasteful]] = []
    var liveBytes = 0
    for pack in packs {
      liveBytes += pack.liveBytes
      if let last = groups.indices.last, liveBytes <= sizeBytesMax, groups[last].count < 256 {
        groups[last].append(pack)
      } else {
        groups.append([pack])
        liveBytes = pack.liveBytes
      }
    }
    return groups
  }

  private static func rewrite(_ ids: [Int64], _ db: Database) throws {
    let chunks = try ids.flatMap { id in
      try Row.fetchAll(
        db, sql: "SELECT * FROM chunk WHERE packId = ? ORDER BY offset", arguments: [id]
      ).map { try Chunk($0) }
    }
    let places = try insert(try records(of: chunks, db), db)
    let statement = try db.cachedStatement(
      sql: "UPDATE chunk SET packId = ?, offset = ? WHERE id = ?")
    for (chunk, place) in zip(chunks, places) {
      try statement.execute(arguments: [place.packId, place.offset, chunk.id])
    }
    for id in ids { try db.execute(sql: "DELETE FROM pack WHERE id = ?", arguments: [id]) }
  }
}
