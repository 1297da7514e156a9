import Foundation
package import GRDB
package import Storage

/// A named array inside a blob; its content is read chunk by chunk.
package struct Tensor: Sendable {
  /// The name in its file; compare it by `utf8`.
  package let name: String
  /// The type as the file spells it: `F32`.
  package let dtypeName: String
  /// The dimensions; none for a single value.
  package let shape: [Int]
  /// Where its content begins in the file.
  package let offset: Int64
  /// The size of its content.
  package let sizeBytes: Int64
  /// The blob that it is in.
  package let blob: Digest
  /// The ids of its chunks in order: equal ids mean equal content, everywhere in a store.
  package let chunkIds: [Int64]

  /// The type of its elements; nil for one that this program does not know.
  package var dtype: DType? { DType(safetensorsName: dtypeName) }
  /// The number of elements.
  package var elementCount: Int64 {
    dtype.map { sizeBytes / Int64($0.sizeBytes) }
      ?? shape.reduce(1) { $0.multipliedReportingOverflow(by: Int64($1)).partialValue }
  }
  /// The name without known prefixes; see `TensorName`.
  package var bareName: [UInt8] { TensorName.bare(name) }

  /// Lists the tensors of a blob in file order; none when it has none or is not there.
  package static func list(of blob: Digest, _ db: Database) throws -> [Tensor] {
    guard let found = try Blob.find(blob, db) else { return [] }
    return try StoredSegment.list(blobId: found.id, tensorsOnly: true, db)
      .compactMap { Tensor($0, blob: blob) }
  }

  /// Reads one chunk, checked against its digest.
  ///
  /// - Parameters:
  ///   - index: Which, from 0; a chunk has 262,144 elements (131,072 of 8 bytes), the last may
  ///     have less.
  ///   - db: An open read of the weights.
  /// - Returns: The bytes, little-endian as in the file.
  /// - Throws: `corrupt` when they are not what they were.
  package func chunk(at index: Int, _ db: Database) throws -> [UInt8] {
    guard chunkIds.indices.contains(index) else {
      throw RegistryError(.notFound, "tensor '\(name)' has no chunk \(index)")
    }
    return try Chunk.contents(of: [chunkIds[index]], db).first ?? []
  }

  /// Reads several tensors side by side, in step: what shares a chain is decoded once, on all
  /// cores.
  ///
  /// - Parameters:
  ///   - tensors: Any number, of any blobs.
  ///   - indices: Which chunks; a tensor that has no chunk of an index gives no bytes there.
  ///   - db: An open read of the weights.
  ///   - body: Gets each index in order with the bytes of that chunk of every tensor.
  /// - Throws: `corrupt`; what the body throws.
  package static func forEachChunk(
    of tensors: [Tensor], indices: some Sequence<Int>, _ db: Database,
    _ body: (_ index: Int, _ contents: [[UInt8]]) throws -> Void
  ) throws {
    let stepCount = max(1, Parallel.batchBytes / (Chunk.sizeBytesMax * max(1, tensors.count)))
    let indices = Array(indices)
    for start in stride(from: 0, to: indices.count, by: stepCount) {
      let step = indices[start..<min(start + stepCount, indices.count)]
      let ids = step.map { index in
        tensors.map { $0.chunkIds.indices.contains(index) ? $0.chunkIds[index] : nil }
      }
      let distinct = Array(Set(ids.joined().compactMap { $0 }))
      let contents = Dictionary(
        uniqueKeysWithValues: zip(distinct, try Chunk.contents(of: distinct, db)))
      for (index, ids) in zip(step, ids) {
        try body(index, ids.map { id in id.flatMap { contents[$0] } ?? [] })
      }
    }
  }

  /// Reads the whole content in order, chunk by chunk, each checked against its digest.
  package func forEachChunk(_ db: Database, _ body: ([UInt8]) throws -> Void) throws {
    try Self.forEachChunk(of: [self], indices: chunkIds.indices, db) { try body($1[0]) }
  }

  init?(_ stored: StoredSegment, blob: Digest) {
    guard let tensor = stored.segment.tensor else { return nil }
    name = tensor.name
    dtypeName = tensor.dtypeName
    shape = tensor.shape
    offset = stored.segment.offset
    sizeBytes = stored.segment.sizeBytes
    self.blob = blob
    chunkIds = stored.chunkIds
  }
}
