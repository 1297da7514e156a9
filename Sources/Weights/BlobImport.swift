package import Foundation
package import Storage

extension Blob {
  /// What an import has done.
  package struct Added: Sendable {
    /// The SHA-256 of the file.
    package let digest: Digest
    /// The size of the file.
    package let sizeBytes: Int64
    /// The records that are written for it; 0 when all of its content was here.
    package let storedBytes: Int64
    /// Whether the blob was not here before.
    package let isNew: Bool
  }

  /// Stores a file; see `Import`, which stores many.
  ///
  /// - Parameters:
  ///   - file: A regular file or a symbolic link to one.
  ///   - asBytes: Whether the name does not count: what is malformed can be kept as plain bytes.
  ///   - parents: Blobs that it may be differences to, the nearest first.
  ///   - store: An open store.
  ///   - progress: Called with the bytes of the file that are done.
  /// - Returns: The digest and what it cost.
  /// - Throws: `invalidInput` when the file is malformed or changes meanwhile; `notFound`;
  ///   `denied`; `unavailable`.
  package static func add(
    file: URL, asBytes: Bool = false, parents: [Digest] = [], to store: Store,
    progress: (Int64) throws -> Void = { _ in }
  ) throws -> Added {
    let work = try Import(to: store, parents: parents)
    let added = try work.add(file, asBytes: asBytes, progress: progress)
    try work.commit()
    return added
  }

  /// Files that are stored together: a thousand small ones cost one transaction, not a thousand.
  ///
  /// Each file is read once, front to back, in memory that does not grow with it, and hashed on the
  /// way; its chunks are compared, hashed and encoded on all cores meanwhile, and what is new is
  /// committed some megabytes at a time.
  ///
  /// The caller holds `Store.withContent` until it has committed the row that names the digests,
  /// and is not inside a read or write of the store. A blob is there when `commit` has returned. What
  /// fails leaves at most chunks and blobs that nothing names.
  ///
  /// Content that is here already is read and compared: what is damaged is stored anew in its
  /// place, which mends everything else that has it.
  package final class Import {
    private let store: Store
    private let writer: PackWriter
    private let placing: ChunkPlacing
    private let contents = Pool { [UInt8](repeating: 0, count: Chunk.sizeBytesMax) }
    private var bases: TensorBases
    private var added: Set<Digest> = []

    /// Begins an import.
    ///
    /// - Parameters:
    ///   - store: An open store.
    ///   - parents: Blobs that the files may be differences to, the nearest first: those of the parent
    ///     versions, then of theirs. Those without tensors do no harm.
    /// - Throws: `corrupt`; `unavailable`.
    package init(to store: Store, parents: [Digest] = []) throws {
      self.store = store
      writer = PackWriter(store)
      placing = ChunkPlacing(store)
      bases = try TensorBases(parents, store)
    }

    /// Takes a file.
    ///
    /// - Parameters:
    ///   - file: A regular file or a symbolic link to one; what it is, its first bytes say, and that
    ///     it is well-formed a name that ends in `.safetensors`.
    ///   - asBytes: Whether the name does not count: what is malformed can be kept as plain bytes.
    ///   - near: Those of the parents whose tensors go before others of the same name.
    ///   - progress: Called with the bytes of the file that are done.
    /// - Returns: The digest and what it costs.
    /// - Throws: `invalidInput` when the file is malformed or changes meanwhile; `notFound`;
    ///   `denied`; `unavailable`. After the first two others may still be taken.
    package func add(
      _ file: URL, asBytes: Bool = false, near: [Digest] = [],
      progress: (Int64) throws -> Void = { _ in }
    ) throws -> Added {
      try add(Array(file.path.utf8), asBytes: asBytes, near: near, progress: progress)
    }

    /// Takes a file by its path, byte for byte; see the other method.
    package func add(
      _ path: [UInt8], asBytes: Bool, near: [Digest] = [], progress: (Int64) throws -> Void
    ) throws -> Added {
      let source = try SourceFile(path)
      let (container, segments) = try Container.layout(of: source, asBytes: asBytes)
      let chunkIds = try bases.chunkIds(for: segments ?? [], near: near, of: source)
      var reader = FileImport(source, writer: writer, placing: placing, contents: contents)
      if let segments {
        try reader.readSegments(segments, bases: chunkIds, progress)
      } else {
        try reader.readByContent(progress)
      }
      try progress(source.sizeBytes)
      try source.checkUnchanged()
      let blob = reader.blob(container: container)
      let (isNew, isThere) = try store.read(.weights) { db in
        (try !Blob.isStored(blob.digest, db), try blob.isThere(db))
      }
      if !isThere { try writer.add(blob) }
      return Added(
        digest: blob.digest, sizeBytes: source.sizeBytes, storedBytes: reader.storedBytes,
        isNew: added.insert(blob.digest).inserted && isNew)
    }

    /// Commits what has been taken; the last step is a truncating checkpoint of the weights.
    ///
    /// - Throws: `unavailable`.
    package func commit() throws {
      if try writer.finish() { try store.checkpoint(.weights) }
    }
  }
}
