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
    /// Whether decoding needs the factor that was given to the encoder.
    package var usesFactor = false
  }

  /// Encodes content as the smallest record found, never more than 8 bytes longer than the content.
  ///
  /// A base may have any length: it is cut, or continued with zeros, to the content's.
  ///
  /// - Parameters:
  ///   - content: Up to `contentBytesMax` bytes.
  ///   - element: The type of the elements; nil for bytes of no known type.
  ///   - base: Content that is expected to differ little, with its elements in the same places.
  ///   - prediction: What makes it so.
  ///   - factor: What the prediction needs beside the base.
  ///   - kernels: Which loops do the work; all give the same record.
  /// - Returns: The record.
  /// - Throws: `invalidInput` when the content is too long, `corrupt` for an unfit factor.
  package static func encode(
    _ content: UnsafeRawBufferPointer, element: DType?, base: UnsafeRawBufferPointer?,
    prediction: Prediction = .none, factor: UnsafeRawBufferPointer? = nil,
    kernels: CodecKernels = .best
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
    var bytes: [UInt8] = []
    try prediction.append(to: &bytes, kernels)
    let base = base?.isEmpty == true ? nil : base
    return try withBase(base, prediction, factor, cutTo: content.count, kernels) { base in
      let plan = PlanePlan.choose(content, element: element, base: base, kernels.functions)
      var smallest: Encoded?
      if let plan {
        let usesBase = plan.mapping.usesBase
        smallest = Encoded(
          record: Planes.encode(content, plan, prediction: bytes, kernels), usesBase: usesBase,
          usesFactor: usesBase && prediction.usesFactor)
      }
      let rawBytes = ChunkHeader.sizeBytes + content.count
      let sizeMax = min(smallest?.record.count ?? rawBytes, rawBytes) - 1
      if element?.isFloat != true, let record = matched(content, sizeMax: sizeMax) {
        return Encoded(record: record, usesBase: false)
      }
      if let smallest, smallest.record.count < rawBytes { return smallest }
      return Encoded(record: raw(content), usesBase: false)
    }
  }

  /// Decodes a record into memory of exactly the content's length.
  ///
  /// Allocates less than 40 MiB, whatever the record says.
  ///
  /// - Parameters:
  ///   - record: What `encode` returned.
  ///   - content: Memory as long as the content; undefined after an error.
  ///   - base: The encoder's base, needed when `usesBase` says so.
  ///   - factor: The encoder's factor, needed when `usesFactor` says so.
  ///   - kernels: Which loops do the work; all give the same content.
  /// - Throws: `corrupt` when the record is damaged, is of another length or lacks what it needs.
  package static func decode(
    _ record: UnsafeRawBufferPointer, into content: UnsafeMutableRawBufferPointer,
    base: UnsafeRawBufferPointer?, factor: UnsafeRawBufferPointer? = nil,
    kernels: CodecKernels = .best
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
      var reader = RecordReader(payload)
      let prediction = try header.prediction(&reader, kernels)
      let result = try withBase(base, prediction, factor, cutTo: content.count, kernels) { base in
        Result { () throws(RegistryError) in
          if header.version == 1 {
            try PlanesV1.decode(record, header, into: content, base: base, kernels)
          } else {
            try Planes.decode(reader, header, into: content, base: base, kernels)
          }
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

  /// The record as one stream with repeated strings; nil when it would be longer than `sizeMax`, or
  /// when a sample says that it is not worth the time.
  private static func matched(_ content: UnsafeRawBufferPointer, sizeMax: Int) -> [UInt8]? {
    let sizeMax = sizeMax - ChunkHeader.sizeBytes
    guard sizeMax > 0 else { return nil }
    let sample = Sample(of: content).bytes
    let share = Double(sizeMax) / Double(content.count)
    let isWorthIt =
      sample.count == content.count
      || sample.withUnsafeBytes { sample in
        Deflate.stream(of: sample, lengthMax: Int(0.9 * share * Double(sample.count))) != nil
      }
    guard isWorthIt, let stream = Deflate.stream(of: content, lengthMax: sizeMax) else {
      return nil
    }
    return ChunkHeader(mode: .deflated, length: content.count).bytes + stream
  }

  /// Calls the body with the predicted base as long as the content, copied only where needed.
  private static func withBase<Value>(
    _ base: UnsafeRawBufferPointer?, _ prediction: Prediction, _ factor: UnsafeRawBufferPointer?,
    cutTo length: Int, _ kernels: CodecKernels, _ body: (UnsafeRawBufferPointer?) -> Value
  ) throws(RegistryError) -> Value {
    guard let base else { return body(nil) }
    if prediction == .none, base.count >= length { return body(base[part: 0..<length]) }
    let predicted = try prediction.base(
      of: base, factor: factor, length: length, kernels: kernels.predictions)
    return predicted.withUnsafeBytes { body($0) }
  }
}
