package import GRDB
package import Storage

extension Blob {
  /// What an error about damaged content advises.
  package static let healingHint = "registry verify --full, then registry repair --from BACKUP"

  /// Looks for damage.
  ///
  /// The quick look checks that all rows fit together: references, places of records, chains,
  /// sizes of segments and files. The full one lets SQLite check every page, decodes every chunk
  /// to its digest, and hashes every blob once, front to back.
  ///
  /// - Parameters:
  ///   - store: An open store; the caller holds `withContent`.
  ///   - full: Whether to read all content.
  ///   - progress: Called with the bytes of files that are done; `sizeBytesOfAll` is where it ends;
  ///     may throw to stop.
  /// - Returns: What is wrong; none when all is well.
  /// - Throws: `unavailable`; damage that keeps SQLite from reading on.
  package static func verify(
    _ store: Store, full: Bool, progress: (Int64) throws -> Void = { _ in }
  ) throws -> [BlobFault] {
    try store.read(.weights) { try Inspection($0, full: full, progress: progress).faults }
  }

  /// The sizes of all files together, as `verify` counts its progress.
  package static func sizeBytesOfAll(_ db: Database) throws -> Int64 {
    try Int64.fetchOne(db, sql: "SELECT CAST(total(sizeBytes) AS INTEGER) FROM blob") ?? 0
  }
}

/// A look at all content: what is wrong, and what a repair must know of it.
struct Inspection {
  /// What is wrong, for people.
  private(set) var faults: [BlobFault] = []
  /// The chunks that cannot be read.
  private(set) var damage: ChunkDamage
  /// Files whose rows do not fit together, or do not give their digest.
  private(set) var broken: Set<Digest> = []
  /// What SQLite finds wrong with pages and indexes.
  private(set) var pageFaultCount = 0

  private let blobs: [Blob]

  init(_ db: Database, full: Bool, progress: (Int64) throws -> Void) throws {
    damage = try ChunkDamage(ofRows: db)
    blobs = try Blob.readable(db)
    try addImpossibleRows(db)
    try addStrayRows(db)
    for blob in blobs { try addLayout(of: blob, db) }
    if full {
      try addPages(db)
      var done: Int64 = 0
      for blob in blobs {
        try addContent(of: blob, db)
        done &+= blob.sizeBytes
        try progress(done)
      }
      try damage.look(at: try Int64.fetchAll(db, sql: "SELECT id FROM chunk ORDER BY id"), db)
    }
    try addDamage(db)
  }

  private mutating func add(_ message: String, _ places: [BlobFault.Place] = []) {
    faults.append(BlobFault(message: message, chunk: nil, places: places))
  }

  /// Rows that name what is not there; those of chunks are damage of chunks.
  private mutating func addStrayRows(_ db: Database) throws {
    var counts: [String: Int] = [:]
    for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
      let table: String = try row.value(at: 0)
      let other: String = try row.value(at: 2)
      if table != "chunk" { counts["\(table) naming a \(other) that is missing", default: 0] += 1 }
    }
    for (what, count) in counts.sorted(by: { $0.key < $1.key }) {
      add("\(count) \(count == 1 ? "row" : "rows") of \(what)")
    }
  }

  /// Files of whose own row nothing can be believed.
  private mutating func addImpossibleRows(_ db: Database) throws {
    let sound = Set(blobs.map(\.id))
    for row in try Row.fetchAll(db, sql: "SELECT id, digest FROM blob ORDER BY id") {
      let id: Int64 = try row.value("id")
      guard !sound.contains(id) else { continue }
      let digest: Digest? = try? row.value("digest")
      let place = digest.map { BlobFault.Place(blob: $0, tensor: nil, offset: nil) }
      add(
        "blob \(digest?.short ?? "number \(id)"): its row is impossible", place.map { [$0] } ?? [])
      if let digest { broken.insert(digest) }
    }
  }

  private mutating func addPages(_ db: Database) throws {
    let found = try Self.pageFaults(db)
    pageFaultCount = found.count
    for message in found { add("weights.sqlite is damaged: \(message)") }
  }

  /// What SQLite finds wrong with pages and indexes.
  static func pageFaults(_ db: Database) throws -> [String] {
    try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
  }

  /// Checks that the segments are the file without holes, and that their chunks have the right sizes.
  private mutating func addLayout(of blob: Blob, _ db: Database) throws {
    var end: Int64 = 0
    var first: BlobFault.Place?
    var faults: [String] = []
    do {
      for (position, stored) in try StoredSegment.list(blobId: blob.id, db).enumerated() {
        let isPlaced = stored.position == position && stored.segment.offset == end
        if try !isPlaced || !fits(stored, db) {
          first = first ?? BlobFault.Place(blob, stored.segment, chunk: 0)
          faults.append("segment \(position) is not whole")
        }
        end &+= stored.segment.sizeBytes
      }
    } catch let error as RegistryError where error.kind == .corrupt {
      faults.append(error.message)
    }
    if faults.isEmpty, end != blob.sizeBytes {
      faults.append("its segments have \(end) bytes, not \(blob.sizeBytes)")
    }
    guard let message = faults.first else { return }
    let more = faults.count > 1 ? " (and \(faults.count - 1) more)" : ""
    add("blob \(blob.digest.short): \(message)\(more)", [first ?? BlobFault.Place(blob)])
    broken.insert(blob.digest)
  }

  /// Whether the chunks of a segment are as many and as large as it says.
  private func fits(_ stored: StoredSegment, _ db: Database) throws -> Bool {
    let segment = stored.segment
    guard segment.hasSizeOfShape, stored.chunkIds.count == segment.chunkCount else { return false }
    let statement = try db.cachedStatement(sql: "SELECT sizeBytes FROM chunk WHERE id = ?")
    return try stored.chunkIds.enumerated().allSatisfy { index, id in
      // A chunk with an impossible row is told of by itself.
      if damage.messages[id] != nil { return true }
      return try Int.fetchOne(statement, arguments: [id]) == segment.sizeBytes(ofChunk: index)
    }
  }

  /// Hashes a file; where that fails, finds the chunks at fault.
  private mutating func addContent(of blob: Blob, _ db: Database) throws {
    var hasher = Digest.Hasher()
    var message = "digest of the file differs"
    do {
      try RegistryError.translating(.weights) {
        try blob.forEachPart(db) { chunks in
          for chunk in chunks { chunk.withUnsafeBytes { hasher.update($0) } }
        }
      }
      if hasher.finalize() == blob.digest { return }
    } catch let error as RegistryError where error.kind == .corrupt {
      message = error.message
    }
    guard !broken.contains(blob.digest) else { return }
    let ids = try StoredSegment.list(blobId: blob.id, db).flatMap(\.chunkIds)
    try damage.look(at: ids, db)
    guard !ids.contains(where: { damage.messages[$0] != nil }) else { return }
    add("blob \(blob.digest.short): \(message)", [BlobFault.Place(blob)])
    broken.insert(blob.digest)
  }

  /// One fault for each chunk at fault, with the first place in each file that it reaches.
  private mutating func addDamage(_ db: Database) throws {
    let causes = try damage.causes(db)
    guard !causes.isEmpty else { return }
    var places: [Int64: [BlobFault.Place]] = [:]
    for blob in blobs {
      guard let list = try? StoredSegment.list(blobId: blob.id, db) else { continue }
      var found: Set<Int64> = []
      for stored in list {
        for (index, id) in stored.chunkIds.enumerated() {
          guard let cause = causes[id], found.insert(cause).inserted else { continue }
          places[cause, default: []].append(.init(blob, stored.segment, chunk: index))
        }
      }
    }
    for cause in Set(causes.values).sorted() {
      let digest = try Row.fetchOne(
        db, sql: "SELECT digest FROM chunk WHERE id = ?", arguments: [cause])
      faults.append(
        BlobFault(
          message: damage.messages[cause] ?? "", chunk: try? digest?.value("digest"),
          places: places[cause] ?? []))
    }
  }
}

extension Segment {
  /// Whether a tensor of a known type has as many bytes as its shape says.
  fileprivate var hasSizeOfShape: Bool {
    guard let tensor, let dtype else { return true }
    let size = tensor.shape.reduce(Int64(dtype.sizeBytes)) {
      $0.multipliedReportingOverflow(by: Int64($1)).partialValue
    }
    return size == sizeBytes
  }
}
