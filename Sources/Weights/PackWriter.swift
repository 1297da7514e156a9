import Dispatch
import Foundation
import GRDB
import Storage
import Synchronization

/// Collects the new chunks and blobs of an import and commits them some packs at a time, beside the
/// work on what follows.
///
/// Chunks and the blobs that name them wait in order, and what waits is committed together: a blob
/// is never there before all of its content.
final class PackWriter: Sendable {
  /// A chunk that is in the store, or one that will be when this writer has committed.
  enum Place: Sendable {
    case stored(Int64)
    case new(Digest)
  }

  /// A chunk that is to be stored.
  struct NewChunk: Sendable {
    let digest: Digest
    let sizeBytes: Int
    let record: [UInt8]
    let baseId: Int64?
    /// What the record needs beside its base: a chunk that is stored, or comes before.
    var factor: Digest?
    /// Whether the store has it, damaged.
    let mends: Bool
  }

  /// A blob whose chunks are in the store or with the writer.
  struct NewBlob: Sendable {
    let digest: Digest
    let sizeBytes: Int64
    let container: Container
    let segments: [Segment]
    let places: [[Place]]

    /// About what its rows take.
    fileprivate var rowBytes: Int { 100 + places.reduce(0) { $0 + 100 + 4 * $1.count } }
  }

  fileprivate struct Batch: Sendable {
    var chunks: [NewChunk] = []
    var blobs: [NewBlob] = []
    var bytes = 0
    var isEmpty: Bool { chunks.isEmpty && blobs.isEmpty }
  }

  static let flushBytes = 4 << 20  // a commit waits for the disk, so not every pack by itself

  private let store: Store
  private let queue = DispatchQueue(label: "registry.packs")
  private let state = Mutex(State())

  private struct State {
    var waiting = Batch()
    var underWay: Job<Batch, Void>?
    var hasCommitted = false
  }

  init(_ store: Store) {
    self.store = store
  }

  /// Takes a chunk that the store does not have, or has damaged.
  func add(_ chunk: NewChunk) throws {
    try add(bytes: chunk.record.count) { $0.chunks.append(chunk) }
  }

  /// Takes a blob, after all of its chunks.
  func add(_ blob: NewBlob) throws {
    try add(bytes: blob.rowBytes) { $0.blobs.append(blob) }
  }

  private func add(bytes: Int, _ change: (inout Batch) -> Void) throws {
    let full = state.withLock { state in
      change(&state.waiting)
      state.waiting.bytes += bytes
      return state.waiting.bytes >= Self.flushBytes ? state.waiting.take() : nil
    }
    if let full { try start(full) }
  }

  /// Commits a batch beside what the caller does next, but not before the last one is done.
  private func start(_ batch: Batch) throws {
    try wait()
    let job = Job(batch, on: queue) { batch in
      try self.commit(batch)
      try self.store.checkpoint(.weights, keepsLog: true)  // so that little is left for the end
    }
    state.withLock { $0.underWay = job }
  }

  private func wait() throws {
    try state.withLock { $0.underWay.take() }?.get()
  }

  /// Commits all that waits.
  ///
  /// - Returns: Whether this writer has committed anything at all.
  func finish() throws -> Bool {
    try wait()
    let batch = state.withLock { $0.waiting.take() }
    if !batch.isEmpty { try commit(batch) }
    return state.withLock { $0.hasCommitted }
  }

  private func commit(_ batch: Batch) throws {
    try store.checkSpace(forBytes: Int64(batch.bytes))
    try store.write(.weights) { db in
      try write(batch.chunks, db)
      for blob in batch.blobs { try blob.insert(db) }
    }
    state.withLock { $0.hasCommitted = true }
  }

  private func write(_ chunks: [NewChunk], _ db: Database) throws {
    // Another process may have stored the same content since we looked.
    let written = try chunks.map { try Chunk.findId($0.digest, db) }
    var seen: Set<Digest> = []
    let fresh = chunks.indices.filter {
      (written[$0] == nil || chunks[$0].mends) && seen.insert(chunks[$0].digest).inserted
    }
    for (index, place) in zip(fresh, try Pack.insert(fresh.map { chunks[$0].record }, db)) {
      if let id = written[index] {
        try mend(id, chunks[index], place, db)
      } else {
        try insert(chunks[index], place, db)
      }
    }
  }

  private func insert(_ chunk: NewChunk, _ place: Pack.Place, _ db: Database) throws {
    // Another import may have mended the base, and so shortened its chain, since we looked.
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO chunk
          (digest, sizeBytes, packId, offset, lengthBytes, baseChunkId, factorChunkId, depth)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
          coalesce((SELECT depth FROM chunk WHERE id = ?6) + 1, 0))
        """)
    let factorId = try chunk.factor.map { digest in
      guard let id = try Chunk.findId(digest, db) else {
        throw RegistryError(.corrupt, "chunk \(digest.short), a factor, is gone", hint: "try again")
      }
      return id
    }
    try statement.execute(arguments: [
      chunk.digest, chunk.sizeBytes, place.packId, place.offset, chunk.record.count, chunk.baseId,
      factorId,
    ])
  }

  /// Points a damaged chunk to a new record; what is a difference to it may come nearer to the start
  /// of its chain.
  private func mend(_ id: Int64, _ chunk: NewChunk, _ place: Pack.Place, _ db: Database) throws {
    try db.execute(
      sql: "UPDATE chunk SET sizeBytes = ? WHERE id = ?", arguments: [chunk.sizeBytes, id])
    try Chunk.move(id, to: place, lengthBytes: chunk.record.count, baseId: chunk.baseId, db)
  }
}

extension PackWriter.Batch {
  /// Leaves an empty batch.
  fileprivate mutating func take() -> Self {
    defer { self = Self() }
    return self
  }
}

extension PackWriter.NewBlob {
  /// Inserts the blob's row and its segments, or makes them anew where they are damaged.
  ///
  /// What came as bytes first is cut anew when it comes as tensors.
  fileprivate func insert(_ db: Database) throws {
    guard let stored = try storedSegments(db) else {
      throw RegistryError(.corrupt, "a chunk of blob \(digest.short) is gone", hint: "try again")
    }
    if try isThere(stored, db) { return }
    try db.execute(
      sql: """
        INSERT INTO blob (digest, sizeBytes, container) VALUES (?, ?, ?)
        ON CONFLICT (digest) DO UPDATE
        SET sizeBytes = excluded.sizeBytes, container = excluded.container
        """, arguments: [digest, sizeBytes, container.rawValue])
    let blobId = try Blob.get(digest, db).id
    try db.execute(sql: "DELETE FROM segment WHERE blobId = ?", arguments: [blobId])
    for segment in stored { try segment.insert(blobId: blobId, db) }
  }

  /// Whether the store has the blob with exactly these chunks, or has it cut as tensors.
  func isThere(_ db: Database) throws -> Bool {
    guard let stored = try storedSegments(db) else { return false }
    return try isThere(stored, db)
  }

  /// The segments with the ids of their chunks; nil while some chunk is not in the store.
  private func storedSegments(_ db: Database) throws -> [StoredSegment]? {
    var stored: [StoredSegment] = []
    for (position, (segment, places)) in zip(segments, places).enumerated() {
      let ids = try places.compactMap { place in
        switch place {
        case .stored(let id): id
        case .new(let digest): try Chunk.findId(digest, db)
        }
      }
      guard ids.count == places.count else { return nil }
      stored.append(StoredSegment(position: position, segment: segment, chunkIds: ids))
    }
    return stored
  }

  private func isThere(_ stored: [StoredSegment], _ db: Database) throws -> Bool {
    do {
      guard let blob = try Blob.find(digest, db), blob.sizeBytes == sizeBytes else { return false }
      if blob.container != container { return container == .bytes }
      return try StoredSegment.list(blobId: blob.id, db) == stored
    } catch let error as RegistryError where error.kind == .corrupt {
      return false
    }
  }
}
