import CKernels
import Storage

/// The byte planes of a chunk as a record: the mode planes of Format.md.
enum Planes {
  private static let entrySizeBytes = 4

  /// A chunk and the base that its words are taken against, of the same length.
  struct Words {
    let content: UnsafeRawBufferPointer
    let width: Int
    let base: UnsafeRawBufferPointer?

    /// The number of whole words.
    var count: Int { content.count / width }

    /// Maps the words and cuts them into planes, one after another.
    func planes(_ mapping: WordMapping) -> [UInt8] {
      [UInt8](unsafeUninitializedCapacity: count * width) { planes, size in
        ckernels_split(
          Int32(width), Int32(mapping.rawValue), content.baseOfBytes, base?.baseOfBytes, count,
          planes.baseAddress)
        size = count * width
      }
    }
  }

  /// The candidate whose planes are estimated to be smallest on a sample; of equals, the first.
  static func choose(_ candidates: [WordMapping], for words: Words) -> WordMapping {
    let content = Sample(of: words.content, width: words.width).bytes
    let base = words.base.map { Sample(of: $0, width: words.width).bytes } ?? []
    let bits = content.withUnsafeBytes { content in
      base.withUnsafeBytes { base in
        let sample = Words(content: content, width: words.width, base: base)
        return candidates.map { estimatedBits(sample.planes($0), count: sample.count) }
      }
    }
    let smallest = bits.min()
    return zip(candidates, bits).first { $0.1 == smallest }?.0 ?? .plain
  }

  private static func estimatedBits(_ planes: [UInt8], count: Int) -> Double {
    planes.withUnsafeBytes { planes in
      stride(from: 0, to: planes.count, by: count).reduce(0.0) { sum, start in
        sum + Plane.plan(UnsafeRawBufferPointer(rebasing: planes[start..<start + count])).bits
      }
    }
  }

  /// Encodes at least one word; `matching` also lets planes be searched for repeated strings.
  static func encode(_ words: Words, _ mapping: WordMapping, matching: Bool) -> [UInt8] {
    let header = ChunkHeader(
      mode: .planes, width: words.width, mapping: mapping, length: words.content.count)
    var record = header.bytes
    record.reserveCapacity(words.content.count + 64)
    record += [UInt8](repeating: 0, count: Self.entrySizeBytes * words.width)
    words.planes(mapping).withUnsafeBytes { planes in
      for index in 0..<words.width {
        let plane = planes[index * words.count..<(index + 1) * words.count]
        let start = record.count
        let coding = Plane.append(
          UnsafeRawBufferPointer(rebasing: plane), matching: matching, to: &record)
        let size = UInt32(record.count - start).littleEndianBytes
        let entry = ChunkHeader.sizeBytes + index * Self.entrySizeBytes
        record.replaceSubrange(entry..<entry + 4, with: [coding.rawValue] + size.prefix(3))
      }
    }
    record += words.content[(words.count * words.width)...]
    return record
  }

  /// Decodes the record that follows `header`; `base` has the content's length where it is needed.
  static func decode(
    _ record: UnsafeRawBufferPointer, _ header: ChunkHeader,
    into content: UnsafeMutableRawBufferPointer, base: UnsafeRawBufferPointer?
  ) throws(RegistryError) {
    let count = content.count / header.width
    let planes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * header.width, alignment: 8)
    defer { planes.deallocate() }
    var start = ChunkHeader.sizeBytes + Self.entrySizeBytes * header.width
    for index in 0..<header.width {
      let entryOffset = ChunkHeader.sizeBytes + index * Self.entrySizeBytes
      guard record.count >= start else { throw damaged }
      let entry = record.loadUnaligned(fromByteOffset: entryOffset, as: UInt32.self)
      let size = Int(entry >> 8)
      guard let coding = Plane.Coding(rawValue: UInt8(truncatingIfNeeded: entry)),
        size <= record.count - start
      else { throw damaged }
      let payload = UnsafeRawBufferPointer(rebasing: record[start..<start + size])
      let plane = planes[index * count..<(index + 1) * count]
      try Plane.decode(payload, coding, into: UnsafeMutableRawBufferPointer(rebasing: plane))
      start += size
    }
    let whole = count * header.width
    guard record.count - start == content.count - whole else { throw damaged }
    ckernels_merge(
      Int32(header.width), Int32(header.mapping.rawValue),
      UnsafeRawBufferPointer(planes).baseOfBytes, base?.baseOfBytes, count,
      content.assumingMemoryBound(to: UInt8.self).baseAddress)
    UnsafeMutableRawBufferPointer(rebasing: content[whole...])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: record[start...]))
  }

  private static var damaged: RegistryError {
    RegistryError(.corrupt, "a chunk record is damaged: its planes do not fill it")
  }
}
