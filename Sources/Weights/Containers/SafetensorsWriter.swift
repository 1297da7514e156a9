package import Storage

/// Writes a safetensors file: equal tensors give equal bytes, whatever order they come in.
///
/// Tensors lie by size of their elements, the largest first, then by name, as the reference writer
/// has them; the header ends at a multiple of 8, so that each tensor is aligned to its elements.
///
/// Source: https://huggingface.co/docs/safetensors, "Format".
package struct SafetensorsWriter: Sendable {
  /// A tensor to be written.
  package struct Entry: Sendable {
    /// The name.
    package let name: String
    /// The type of its elements.
    package let dtype: DType
    /// The dimensions; none for a single value.
    package let shape: [Int]

    /// Describes a tensor.
    package init(name: String, dtype: DType, shape: [Int]) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
    }

    fileprivate var sizeBytes: Int? {
      shape.reduce(Optional(dtype.sizeBytes)) { size, dimension in
        guard let size, dimension >= 0 else { return nil }
        let (product, overflows) = size.multipliedReportingOverflow(by: dimension)
        return overflows ? nil : product
      }
    }
  }

  private let tensors: [(entry: Entry, sizeBytes: Int)]

  /// Checks the tensors and puts them in order.
  ///
  /// - Throws: `invalidInput` for a name that is empty, taken or reserved, and for sizes that
  ///   cannot be.
  package init(_ entries: [Entry]) throws(RegistryError) {
    var tensors: [(entry: Entry, sizeBytes: Int)] = []
    var names: Set<[UInt8]> = [Array("__metadata__".utf8), []]
    var total = 0
    for entry in entries {
      guard names.insert(Array(entry.name.utf8)).inserted else {
        throw RegistryError(.invalidInput, "no tensor can be named '\(entry.name.prefix(80))' here")
      }
      guard let size = entry.sizeBytes, !total.addingReportingOverflow(size).overflow else {
        throw RegistryError(.invalidInput, "tensor '\(entry.name.prefix(80))' has no possible size")
      }
      total += size
      tensors.append((entry, size))
    }
    self.tensors = tensors.sorted { left, right in
      let (one, other) = (left.entry, right.entry)
      if one.dtype.sizeBytes != other.dtype.sizeBytes {
        return one.dtype.sizeBytes > other.dtype.sizeBytes
      }
      return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
    }
  }

  /// Gives the bytes of the file in order: the header, then each tensor.
  ///
  /// - Parameters:
  ///   - content: Gives the elements of a tensor, little-endian, when it is its turn.
  ///   - sink: Takes the bytes.
  /// - Throws: `invalidInput` when content has another size than its tensor; what the two throw.
  package func write(
    _ content: (Entry) throws -> [UInt8], to sink: ([UInt8]) throws -> Void
  ) throws {
    try sink(header)
    for (entry, size) in tensors {
      let bytes = try content(entry)
      guard bytes.count == size else {
        throw RegistryError(
          .invalidInput, "tensor '\(entry.name)' has \(bytes.count) bytes for \(size)")
      }
      try sink(bytes)
    }
  }

  private var header: [UInt8] {
    // What transformers asks for before it reads a file.
    var members = [JSON.Member("__metadata__", ["format": "pt"])]
    var offset: Int64 = 0
    for (entry, size) in tensors {
      let end = offset + Int64(size)
      let description: JSON = [
        "dtype": .string(entry.dtype.name),
        "shape": .array(entry.shape.map { .integer(Int64($0)) }),
        "data_offsets": [.integer(offset), .integer(end)],
      ]
      members.append(JSON.Member(entry.name, description))
      offset = end
    }
    var text = Array(JSON.object(members).text().utf8)
    text += repeatElement(32, count: (8 - text.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
  }
}
