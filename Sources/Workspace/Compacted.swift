import Foundation
import GRDB
package import Storage
package import Weights

/// What compaction made of a store.
package struct Compacted: Sendable {
  /// What was re-based.
  package let chunks: Compaction
  /// The records of all chunks before, in bytes.
  package let recordBytesBefore: Int64
  /// And after it; in a dry run what they would be.
  package let recordBytesAfter: Int64
  /// The file of weights before.
  package let fileBytesBefore: Int64
  /// And after it.
  package let fileBytesAfter: Int64

  /// How long others may be shut out of the content at a time, and how long they get between.
  private static let sliceSeconds = 1.0
  private static let pauseSeconds = 0.05

  /// Makes chains shorter and records smaller, then gives the space back.
  ///
  /// Works in slices, between which others may use the content; whatever ends the process, the
  /// store is whole, and the next call goes on.
  ///
  /// - Parameters:
  ///   - store: An open store.
  ///   - dryRun: Whether to try only.
  ///   - progress: Called with the bytes of content that were looked at, and of all of it.
  /// - Returns: What was done.
  /// - Throws: `unavailable` while content is in use for a minute, or when the disk is full;
  ///   `corrupt` when rows do not fit together.
  package static func run(
    _ store: Store, dryRun: Bool = false, progress: (_ done: Int64, _ total: Int64) -> Void
  ) throws -> Compacted {
    let fileBytes = store.sizeBytes(.weights)
    let (before, total) = try sizes(store)
    if !dryRun { try collect(store) }
    var compaction = Compaction(.all, dryRun: dryRun)
    while true {
      let isDone = try store.withoutContentUsers {
        let end = ContinuousClock.now + .seconds(sliceSeconds)
        return try compaction.work(live: try store.read { try LiveBlobs.digests($0) }, in: store) {
          ContinuousClock.now >= end
        }
      }
      progress(compaction.lookedAtBytes, total)
      if isDone { break }
      Thread.sleep(forTimeInterval: pauseSeconds)
    }
    if !dryRun { try collect(store) }
    return Compacted(
      chunks: compaction, recordBytesBefore: before,
      recordBytesAfter: dryRun ? before - compaction.savedBytes : try sizes(store).records,
      fileBytesBefore: fileBytes, fileBytesAfter: store.sizeBytes(.weights))
  }

  private static func collect(_ store: Store) throws {
    try store.withoutContentUsers {
      let live = try store.read { try LiveBlobs.digests($0) }
      _ = try Blob.collect(live: live, in: store)
    }
  }

  private static func sizes(_ store: Store) throws -> (records: Int64, contents: Int64) {
    try store.read(.weights) { try Compaction.sizes($0) }
  }
}
