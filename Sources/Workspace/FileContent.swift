import Catalog
package import Storage
package import Weights

extension FoundFile {
  /// Reads a file, or a part of it, front to back in bounded memory.
  ///
  /// Of all chunks, only those with bytes of the part are decoded.
  ///
  /// - Parameters:
  ///   - reference: A file of a version or of a run.
  ///   - range: Which bytes; all without it.
  ///   - store: An open store.
  ///   - body: Gets the bytes, piece by piece.
  /// - Throws: `notFound`; `invalidInput` when no file is named or the range has no byte of it;
  ///   `corrupt`, for a whole file also after its last byte; what the body throws.
  package static func read(
    _ reference: Reference, _ range: ByteRange? = nil, from store: Store,
    _ body: (ArraySlice<UInt8>) throws -> Void
  ) throws {
    try store.withContent {
      let file = try store.read { try reference.file($0) }.file
      let bytes = try range?.bytes(of: file.sizeBytes)
      var hasher = Digest.Hasher()
      try store.read(.weights) { db in
        try Blob.forEachPiece(of: file.digest, in: bytes ?? 0..<file.sizeBytes, db) { piece in
          if bytes == nil { piece.withUnsafeBytes { hasher.update($0) } }
          try body(piece)
        }
      }
      guard bytes != nil || hasher.finalize() == file.digest else {
        throw RegistryError(
          .corrupt, "blob \(file.digest.short): digest of the file differs",
          hint: Blob.healingHint)
      }
    }
  }
}
