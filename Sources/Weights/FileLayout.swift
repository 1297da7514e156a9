import GRDB
import Storage

/// How a file is cut.
struct FileLayout {
  /// What its blob's row says: `safetensors` or `bytes`.
  let container: String
  /// Its segments in file order, without holes; nil when it is cut by content.
  let segments: [Segment]?

  /// Parses a file whose name says what it is, and one that is here and has been parsed before.
  ///
  /// - Throws: `invalidInput` for a malformed file.
  init(
    _ source: SourceFile, asBytes: Bool, _ store: Store, _ progress: (Int64) throws -> Void
  ) throws {
    let isNamed = !asBytes && SafetensorsFile.isNamedBy(source.name)
    let isSafetensors = try isNamed || Self.isKnownAsTensors(source, store, progress)
    container = isSafetensors ? "safetensors" : "bytes"
    segments = isSafetensors ? try SafetensorsFile.segments(of: source) : nil
  }

  /// Whether a file is a blob that is here and cut as tensors; cut as bytes, it would cost again.
  private static func isKnownAsTensors(
    _ source: SourceFile, _ store: Store, _ progress: (Int64) throws -> Void
  ) throws -> Bool {
    let candidates = try store.read(.weights) { db in
      try Digest.fetchSet(
        db, sql: "SELECT digest FROM blob WHERE sizeBytes = ? AND container = 'safetensors'",
        arguments: [source.sizeBytes])
    }
    guard !candidates.isEmpty else { return false }
    var hasher = Digest.Hasher()
    for offset in stride(from: 0, to: source.sizeBytes, by: Chunk.sizeBytesMax) {
      let size = min(Int64(Chunk.sizeBytesMax), source.sizeBytes - offset)
      try source.read(at: offset, sizeBytes: Int(size)).withUnsafeBytes { hasher.update($0) }
      try progress(0)
    }
    return candidates.contains(hasher.finalize())
  }
}
