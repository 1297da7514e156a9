package import Foundation
import GRDB
package import Storage

extension Blob {
  /// Writes a blob to a file, byte for byte what was imported.
  ///
  /// The file is made under another name beside it, flushed to the disk and renamed, so that the
  /// name never shows less than all of it. Chunks are decoded on all cores while the file is
  /// written in order, and the whole is checked against the digest before it gets its name.
  ///
  /// - Parameters:
  ///   - digest: Its SHA-256.
  ///   - target: The file to make; its folder exists.
  ///   - store: An open store; the caller holds `withContent`.
  ///   - progress: Called with the bytes that are written; may throw to stop, and nothing is left.
  /// - Throws: `notFound`; `conflict` when the target is there; `corrupt`; `unavailable` when the
  ///   disk refuses.
  package static func export(
    _ digest: Digest, to target: URL, from store: Store,
    progress: (Int64) throws -> Void = { _ in }
  ) throws {
    let (blob, segments) = try store.read(.weights) { db in
      let blob = try get(digest, db)
      return (blob, try StoredSegment.list(blobId: blob.id, db))
    }
    let output = try OutputFile(target)
    var done: Int64 = 0
    var hasher = Digest.Hasher()
    var reader = ChunkReader(store)
    func write(_ content: UnsafeRawBufferPointer) throws {
      hasher.update(content)
      try output.write(content)
      done += Int64(content.count)
      try progress(done)
    }
    for stored in segments {
      guard stored.chunkIds.count == stored.segment.chunkCount else {
        throw RegistryError(
          .corrupt, "blob \(digest.short): segment \(stored.position) has gaps", hint: hint)
      }
      for (index, id) in stored.chunkIds.enumerated() {
        try reader.add(id, sizeBytes: stored.segment.sizeBytes(ofChunk: index), write)
      }
    }
    try reader.finish(write)
    guard done == blob.sizeBytes, hasher.finalize() == digest else {
      // What is wrong is told by the chunk, where one is.
      try store.read(.weights) { try blob.forEachPart($0) { _ in } }
      throw RegistryError(
        .corrupt, "blob \(digest.short): digest of the file differs", hint: hint)
    }
    try output.finish()
  }

  private static let hint = healingHint
}
