package import GRDB
package import Storage

extension Tensor {
  /// A chunk of a tensor as it is stored.
  package struct StoredChunk: Sendable, Equatable {
    /// The SHA-256 of its content.
    package let digest: Digest
    /// The size of its content.
    package let sizeBytes: Int
    /// The size of its record.
    package let storedBytes: Int
    /// How many differences must be undone to read it.
    package let depth: Int
  }

  /// The chunks in order, without their content.
  ///
  /// - Parameter db: An open read of the weights.
  /// - Returns: One entry a chunk.
  /// - Throws: `corrupt` when a row is missing or impossible.
  package func chunks(_ db: Database) throws -> [StoredChunk] {
    try chunkIds.map { id in
      let chunk = try Chunk.get(id, db)
      return StoredChunk(
        digest: chunk.digest, sizeBytes: chunk.sizeBytes, storedBytes: chunk.lengthBytes,
        depth: chunk.depth)
    }
  }

  /// Reads a part of the content; only the chunks of it are decoded.
  ///
  /// - Parameters:
  ///   - range: Which bytes of the tensor, from 0.
  ///   - db: An open read of the weights.
  /// - Returns: The bytes, little-endian as in the file.
  /// - Throws: `invalidInput` for bytes behind the end; `corrupt`.
  package func bytes(in range: Range<Int64>, _ db: Database) throws -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= sizeBytes else {
      throw RegistryError(
        .invalidInput,
        "tensor '\(name.excerpt)' has \(sizeBytes) bytes, not "
          + "\(range.lowerBound) to \(range.upperBound)")
    }
    return try Blob.bytes(
      of: blob, in: offset + range.lowerBound..<offset + range.upperBound, db)
  }

  /// The bytes of a tensor's rows, which are what its first dimension counts.
  ///
  /// - Parameter rows: Which rows, from 0.
  /// - Returns: The bytes of the tensor that these rows are.
  /// - Throws: `invalidInput` when the tensor has no rows or fewer.
  package func bytes(ofRows rows: Range<Int>) throws(RegistryError) -> Range<Int64> {
    guard let count = shape.first else {
      throw RegistryError(.invalidInput, "tensor '\(name.excerpt)' is one value and has no rows")
    }
    guard rows.lowerBound >= 0, rows.upperBound <= count else {
      throw RegistryError(
        .invalidInput, "tensor '\(name.excerpt)' has \(count) rows, not \(rows.upperBound)",
        hint: "--rows 0:\(count)")
    }
    guard count > 0 else { return 0..<0 }
    let (size, rest) = sizeBytes.quotientAndRemainder(dividingBy: Int64(count))
    guard rest == 0 else {
      throw RegistryError(.invalidInput, "tensor '\(name.excerpt)' is not made of whole rows")
    }
    return Int64(rows.lowerBound) * size..<Int64(rows.upperBound) * size
  }
}

extension FileTensor {
  /// Finds the tensors that a name means: exactly so called, else so called without known prefixes.
  ///
  /// - Parameters:
  ///   - name: As a person or another file spells it.
  ///   - tensors: Those of a version.
  /// - Returns: All that it may mean; several when several files or wrappers have it.
  package static func named(_ name: String, in tensors: [FileTensor]) -> [FileTensor] {
    let exact = tensors.filter { $0.tensor.name.utf8.elementsEqual(name.utf8) }
    let bare = TensorName.bare(name)
    return exact.isEmpty ? tensors.filter { $0.tensor.bareName == bare } : exact
  }
}
