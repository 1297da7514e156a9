import CZlib

/// A second reader of records, written from Format.md alone, without the codec and without kernels.
struct CodecReference {
  struct Damage: Error {}

  let record: [UInt8]

  /// The zlib streams in the record.
  private(set) var streams: [[UInt8]] = []

  init(_ record: [UInt8]) { self.record = record }

  private func number(at offset: Int, size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(record[offset + $1]) << (8 * $1) }
  }

  /// The content; every stream is opened by zlib's own `uncompress`.
  mutating func content(base: [UInt8]) throws -> [UInt8] {
    guard record[0] == 1 else { throw Damage() }
    let width = Int(record[2])
    let length = number(at: 4, size: 4)
    switch record[1] {
    case 0: return Array(record[8...])
    case 1: return (0..<length).map { record[8 + $0 % width] }
    case 2: return try uncompress(Array(record[8...]), length)
    case 3: return try planes(width: width, length: length, base: base)
    default: throw Damage()
    }
  }

  private mutating func planes(width: Int, length: Int, base: [UInt8]) throws -> [UInt8] {
    let words = length / width
    let base = base + [UInt8](repeating: 0, count: max(0, length - base.count))
    var start = 8 + 4 * width
    var mapped = [UInt64](repeating: 0, count: words)
    for plane in 0..<width {
      let size = number(at: 8 + 4 * plane + 1, size: 3)
      let payload = Array(record[start..<start + size])
      let bytes = try self.plane(payload, coding: record[8 + 4 * plane], words: words)
      for word in 0..<words { mapped[word] |= UInt64(bytes[word]) << (8 * UInt64(plane)) }
      start += size
    }
    var content: [UInt8] = []
    for word in 0..<words {
      let old = (0..<width).reduce(UInt64(0)) { value, byte in
        value | UInt64(base[word * width + byte]) << (8 * UInt64(byte))
      }
      let twin = MappingTwin(mapping: Int(record[3]), bits: UInt64(8 * width))
      let value = twin.unmap(mapped[word], old)
      for byte in 0..<width { content.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    return content + record[start...]
  }

  private mutating func plane(_ payload: [UInt8], coding: UInt8, words: Int) throws -> [UInt8] {
    switch coding {
    case 0: return [UInt8](repeating: 0, count: words)
    case 1: return payload
    case 2: return try uncompress(payload, words)
    case 3, 4:
      let size = (0..<4).reduce(0) { $0 | Int(payload[$1]) << (8 * $1) }
      let bitmap = try uncompress(Array(payload[4..<4 + size]), (words + 7) / 8)
      let set = bitmap.reduce(0) { $0 + $1.nonzeroBitCount }
      let rest = Array(payload[(4 + size)...])
      var nonzeros = (coding == 3 ? rest : try uncompress(rest, set)).makeIterator()
      return (0..<words).map { bitmap[$0 / 8] >> ($0 % 8) & 1 == 1 ? nonzeros.next() ?? 0 : 0 }
    default: throw Damage()
    }
  }

  private mutating func uncompress(_ stream: [UInt8], _ length: Int) throws -> [UInt8] {
    streams.append(stream)
    var output = [UInt8](repeating: 0, count: length)
    var size = UInt(length)
    guard CZlib.uncompress(&output, &size, stream, UInt(stream.count)) == Z_OK, size == length
    else { throw Damage() }
    return output
  }
}
