package import Foundation
import GRDB
package import Storage

extension Blob {
  /// Writes a blob to a file, byte for byte what was imported.
  ///
  /// The file is made under another name beside it, flushed to the disk and renamed, so that the
  /// name never shows less than all of it. Each chunk is checked against its digest before its
  /// bytes are written, and the whole before it gets its name: rows may be damaged too.
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
    try store.read(.weights) { db in
      let blob = try get(digest, db)
      let output = try OutputFile(target)
      var done: Int64 = 0
      var hasher = Digest.Hasher()
      try blob.forEachPart(db) { chunks in
        for chunk in chunks {
          chunk.withUnsafeBytes { hasher.update($0) }
          try output.write(chunk)
          done += Int64(chunk.count)
        }
        try progress(done)
      }
      guard done == blob.sizeBytes else {
        throw RegistryError(
          .corrupt, "blob \(digest.short) has \(done) bytes, not \(blob.sizeBytes)")
      }
      guard hasher.finalize() == digest else {
        throw RegistryError(
          .corrupt, "blob \(digest.short): digest of the file differs",
          hint: Blob.healingHint)
      }
      try output.finish()
    }
  }
}

/// A file that gets its name when it is complete, and is gone when it never is.
private final class OutputFile {
  private let target: URL
  private let aside: URL
  private let descriptor: Int32
  private var isFinished = false

  init(_ target: URL) throws(RegistryError) {
    self.target = target
    aside = target.deletingLastPathComponent()
      .appending(path: ".\([UInt8].random(count: 8).hex).partial")
    var status = stat()
    guard lstat(target.path, &status) != 0 else { throw Self.conflict(target) }
    descriptor = open(aside.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw Self.refusal(target) }
  }

  deinit {
    if descriptor >= 0 { _ = close(descriptor) }
    if descriptor >= 0 && !isFinished { _ = unlink(aside.path) }
  }

  func write(_ bytes: [UInt8]) throws(RegistryError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        #if os(macOS)
          Darwin.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        #else
          Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
        #endif
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Self.refusal(target) }
      done += count
    }
  }

  func finish() throws(RegistryError) {
    guard fsync(descriptor) == 0 else { throw Self.refusal(target) }
    // A link, unlike a rename, fails when somebody has taken the name meanwhile; not all disks
    // have it.
    if link(aside.path, target.path) == 0 { return }  // deinit takes the other name away
    if errno == EEXIST { throw Self.conflict(target) }
    guard rename(aside.path, target.path) == 0 else { throw Self.refusal(target) }
    isFinished = true
  }

  private static func conflict(_ target: URL) -> RegistryError {
    RegistryError(.conflict, "\(target.path) is already there")
  }

  private static func refusal(_ target: URL) -> RegistryError {
    let reason = String(cString: strerror(errno))
    return switch errno {
    case ENOSPC, EDQUOT: RegistryError(.unavailable, "the disk is full: \(target.path)")
    case ENOENT, ENOTDIR: RegistryError(.notFound, "no folder for \(target.path)")
    default: RegistryError(.unavailable, "\(target.path) cannot be written: \(reason)")
    }
  }
}
