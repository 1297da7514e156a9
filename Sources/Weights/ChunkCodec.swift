import Foundation
package import Storage

/// Turns the content of a chunk into its record and back; Format.md specifies the record's bytes.
///
/// The record does not name its base: the caller keeps which chunk was the base and how long the
/// chain of bases is. Nothing else in the store depends on what a record holds.
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

  /// Encodes content as the smallest record found, never more than 8 bytes longer than the content.
  ///
  /// A base may have any length: it is cut, or continued with zeros, to the content's.
  ///
  /// - Parameters:
  ///   - content: Up to `contentBytesMax` bytes.
  ///   - element: The type of the elements; nil for bytes of no known type.
  ///   - base: Content that is expected to differ little, with its elements in the same places.
  /// - Returns: The record.
  /// - Throws: `invalidInput` when the content is too long.
  package static func encode(
    _ content: UnsafeRawBufferPointer, element: DType?, base: UnsafeRawBufferPointer?
  ) throws(RegistryError) -> Encoded {
    guard content.count <= contentBytesMax else {
      throw RegistryError(
        .invalidInput,
        "a chunk of \(content.count) bytes is longer than the \(contentBytesMax) allowed")
    }
    let width = element?.sizeBytes ?? 1
    if let record = constant(content, width: width) {
      return Encoded(record: record, usesBase: false)
    }
    var base = base
    if base?.isEmpty == true { base = nil }
    return withBase(base, cutTo: content.count) { base in
      var smallest = Encoded(record: raw(content), usesBase: false)
      if let planes = planes(content, element: element, base: base),
        planes.record.count < smallest.record.count
      {
        smallest = planes
      }
      if element == nil, let record = deflated(content, sizeMax: smallest.record.count - 1) {
        smallest = Encoded(record: record, usesBase: false)
      }
      return smallest
    }
  }

  /// Decodes a record into memory of exactly the content's length.
  ///
  /// Allocates less than four times the content's length, whatever the record says.
  ///
  /// - Parameters:
  ///   - record: What `encode` returned.
  ///   - content: Memory as long as the content; undefined after an error.
  ///   - base: The encoder's base, needed when `usesBase` says so.
  /// - Throws: `corrupt` when the record is damaged, is of another length or lacks its base.
  package static func decode(
    _ record: UnsafeRawBufferPointer, into content: UnsafeMutableRawBufferPointer,
    base: UnsafeRawBufferPointer?
  ) throws(RegistryError) {
    let header = try ChunkHeader(of: record)
    guard header.length == content.count else {
      throw RegistryError(
        .corrupt, "a chunk record of \(header.length) bytes stands for \(content.count) bytes")
    }
    let payload = UnsafeRawBufferPointer(rebasing: record[ChunkHeader.sizeBytes...])
    switch header.mode {
    case .raw:
      guard payload.count == content.count else {
        throw RegistryError(.corrupt, "a raw chunk record has a wrong length")
      }
      content.copyMemory(from: payload)
    case .constant:
      guard payload.count == header.width else {
        throw RegistryError(.corrupt, "a constant chunk record has a wrong length")
      }
      repeatWord(payload, into: content)
    case .deflated:
      try Deflate.inflate(payload, into: content)
    case .planes:
      guard !header.mapping.usesBase || base != nil else {
        throw RegistryError(.corrupt, "a chunk record lacks its base")
      }
      let result = withBase(base, cutTo: content.count) { base in
        Result { () throws(RegistryError) in
          try Planes.decode(record, header, into: content, base: base)
        }
      }
      try result.get()
    }
  }

  /// Tells whether a record can be decoded only together with its base.
  ///
  /// - Parameter record: What `encode` returned.
  /// - Returns: Whether `decode` needs the base.
  /// - Throws: `corrupt` when the record's header is damaged.
  package static func usesBase(_ record: UnsafeRawBufferPointer) throws(RegistryError) -> Bool {
    try ChunkHeader(of: record).mapping.usesBase
  }

  /// Fills memory with copies of a word, doubling what is there.
  private static func repeatWord(
    _ word: UnsafeRawBufferPointer, into content: UnsafeMutableRawBufferPointer
  ) {
    var filled = min(word.count, content.count)
    content.copyMemory(from: UnsafeRawBufferPointer(rebasing: word[..<filled]))
    while filled < content.count {
      let size = min(filled, content.count - filled)
      UnsafeMutableRawBufferPointer(rebasing: content[filled...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: content[..<size]))
      filled += size
    }
  }

  private static func raw(_ content: UnsafeRawBufferPointer) -> [UInt8] {
    ChunkHeader(mode: .raw, length: content.count).bytes + content
  }

  /// The record of one repeated word; nil when the content is another or not longer than the word.
  private static func constant(_ content: UnsafeRawBufferPointer, width: Int) -> [UInt8]? {
    // Content that equals itself moved by a word repeats that word.
    guard content.count > width, let start = content.baseAddress,
      memcmp(start, start + width, content.count - width) == 0
    else { return nil }
    let header = ChunkHeader(mode: .constant, width: width, length: content.count)
    return header.bytes + content.prefix(width)
  }

  /// The record of bytes without a type as one stream; nil when it would be longer than `sizeMax`.
  private static func deflated(_ content: UnsafeRawBufferPointer, sizeMax: Int) -> [UInt8]? {
    let looksCompressible = Sample(of: content).bytes.withUnsafeBytes {
      ByteHistogram(of: $0).isCompressible
    }
    guard looksCompressible, !content.isEmpty else { return nil }
    let sizeMax = sizeMax - ChunkHeader.sizeBytes
    guard let stream = Deflate.stream(of: content, .matching, lengthMax: sizeMax) else {
      return nil
    }
    return ChunkHeader(mode: .deflated, length: content.count).bytes + stream
  }

  /// The record as planes of the best mapping; nil when there is no word or no mapping to try.
  private static func planes(
    _ content: UnsafeRawBufferPointer, element: DType?, base: UnsafeRawBufferPointer?
  ) -> Encoded? {
    let words = Planes.Words(content: content, width: element?.sizeBytes ?? 1, base: base)
    let candidates = mappings(for: element, hasBase: base != nil)
    guard words.count > 0, let first = candidates.first else { return nil }
    let mapping = candidates.count == 1 ? first : Planes.choose(candidates, for: words)
    let matching = element?.isFloat == false && !mapping.usesBase
    return Encoded(
      record: Planes.encode(words, mapping, matching: matching), usesBase: mapping.usesBase)
  }

  /// The mappings worth trying, the preferred one of equals first.
  private static func mappings(for element: DType?, hasBase: Bool) -> [WordMapping] {
    guard let element else { return hasBase ? [.xor] : [] }
    // F16's exponent does not fill a byte either way, and F8 has but one byte.
    let alone: WordMapping = [.f64, .f32, .bf16].contains(element) ? .rotated : .plain
    guard hasBase else { return [alone] }
    return [alone, element.isFloat ? .floatDifference : .integerDifference, .xor]
  }

  /// Calls the body with the base as long as the content, copied only when it is shorter.
  private static func withBase<Value>(
    _ base: UnsafeRawBufferPointer?, cutTo length: Int,
    _ body: (UnsafeRawBufferPointer?) -> Value
  ) -> Value {
    guard let base else { return body(nil) }
    guard base.count < length else {
      return body(UnsafeRawBufferPointer(rebasing: base[..<length]))
    }
    let extended = [UInt8](base) + [UInt8](repeating: 0, count: length - base.count)
    return extended.withUnsafeBytes { body($0) }
  }
}
