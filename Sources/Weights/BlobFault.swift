package import Storage

/// Something wrong with stored content, and the files that it reaches.
package struct BlobFault: Sendable, Equatable {
  /// What is wrong: `chunk 3fa9…: digest differs`.
  package let message: String
  /// The damaged chunk; nil when rows of a file or of SQLite are at fault, or its row is gone.
  package let chunk: Digest?
  /// Where in each file it is, or what needs it, in the order of their import; none in unused content.
  package let places: [Place]

  /// Where a file has what is damaged.
  package struct Place: Sendable, Equatable {
    /// The file.
    package let blob: Digest
    /// The tensor; nil for other bytes of the file.
    package let tensor: String?
    /// The first byte of the file that is damaged; nil when it is the whole.
    package let offset: Int64?
  }
}

extension BlobFault.Place {
  /// A chunk of a segment.
  init(_ blob: Blob, _ segment: Segment, chunk index: Int) {
    self.init(
      blob: blob.digest, tensor: segment.tensor?.name,
      offset: segment.offset &+ Int64(index) &* Int64(segment.chunkSizeBytes))
  }

  /// All of a file.
  init(_ blob: Blob) {
    self.init(blob: blob.digest, tensor: nil, offset: nil)
  }
}
