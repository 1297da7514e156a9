package import Storage

/// Turns the content of a chunk into its record and back; the record's bytes are specified in Format.md.
package enum ChunkCodec {
  /// Content of more bytes than this is refused; it is twice the longest chunk.
  package static let contentBytesMax = 2 << 20

  /// A chunk as it is stored.
  package struct Encoded: Sendable {
    /// The bytes to store.
    package let record: [UInt8]
    /// Whether decoding needs the base that was given to the encoder.
    package let usesBase: Bool
  }

  /// Encodes content as the smallest record found; a nil `element` means bytes of no known type.
  package static func encode(
    _ content: UnsafeRawBufferPointer, element: DType?, base: UnsafeRawBufferPointer?
  ) throws(RegistryError) -> Encoded {
    guard content.count <= contentBytesMax else {
      throw RegistryError(.invalidInput, "a chunk of \(content.count) bytes is too long")
    }
    let count = UInt32(content.count)
    let header: [UInt8] = [1, 0, 1, 0] + withUnsafeBytes(of: count.littleEndian) { [UInt8]($0) }
    return Encoded(record: header + content, usesBase: false)
  }

  /// Decodes a record into memory of exactly the content's length; `corrupt` if anything is off.
  package static func decode(
    _ record: UnsafeRawBufferPointer, into content: UnsafeMutableRawBufferPointer,
    base: UnsafeRawBufferPointer?
  ) throws(RegistryError) {
    guard record.count == content.count + 8 else {
      throw RegistryError(.corrupt, "a chunk record of \(record.count) bytes has the wrong length")
    }
    content.copyMemory(from: UnsafeRawBufferPointer(rebasing: record[8...]))
  }

  /// Tells whether a record can be decoded only together with its base.
  package static func usesBase(_ record: UnsafeRawBufferPointer) throws(RegistryError) -> Bool {
    guard record.count >= 8 else {
      throw RegistryError(.corrupt, "a chunk record of \(record.count) bytes is truncated")
    }
    return false
  }
}
