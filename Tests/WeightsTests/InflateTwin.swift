import CKernels

/// What `ckernels_codec.inflate` gives, in plain Swift: one bit after another.
///
/// It takes nothing but the streams that `deflate` writes. RFC 1951 says what the bits mean.
struct InflateTwin {
  private let bytes: [UInt8]
  private let countMax: Int
  private var position = 16
  private var content: [UInt8] = []

  /// The content of a stream that has so many bytes; nil for any other and for another encoder's.
  static func content(of stream: [UInt8], count: Int) -> [UInt8]? {
    guard stream.count >= 8, stream[0] & 15 == 8, stream[0] >> 4 <= 7, stream[1] & 32 == 0,
      (Int(stream[0]) << 8 | Int(stream[1])) % 31 == 0
    else { return nil }
    var twin = InflateTwin(bytes: stream, countMax: count)
    while let isLast = twin.block() {
      if isLast { return twin.isWhole ? twin.content : nil }
    }
    return nil
  }

  private init(bytes: [UInt8], countMax: Int) {
    self.bytes = bytes
    self.countMax = countMax
  }

  private mutating func bits(_ count: Int) -> Int? {
    guard position + count <= 8 * bytes.count else { return nil }
    defer { position += count }
    return (position..<position + count).reduce(0) { sum, place in
      sum | Int(bytes[place / 8] >> (place % 8) & 1) << (place - position)
    }
  }

  /// Reads a block; nil where it is none of ours, else whether it is the last.
  private mutating func block() -> Bool? {
    guard let isLast = bits(1), let kind = bits(2) else { return nil }
    guard kind == 0 ? stored() : kind == 2 && coded() else { return nil }
    return isLast == 1
  }

  private mutating func stored() -> Bool {
    position = (position + 7) / 8 * 8
    guard let count = bits(16), let check = bits(16), count ^ check == 0xffff,
      position / 8 + count <= bytes.count, content.count + count <= countMax
    else { return false }
    content += bytes[position / 8..<position / 8 + count]
    position += 8 * count
    return true
  }

  /// Codes by their lengths: how many there are of each, and the symbols in the codes' order.
  private struct Codes {
    var ofLength = [Int](repeating: 0, count: 16)
    let symbols: [Int]

    /// Nil unless every string of bits begins with a code.
    init?(_ lengths: [Int], limit: Int) {
      for length in lengths where length > 0 { ofLength[length] += 1 }
      let used = lengths.indices.filter { lengths[$0] > 0 }
      symbols = used.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
      let taken = used.reduce(0) { $0 + 1 << max(limit - lengths[$1], 0) }
      guard taken == 1 << limit, used.allSatisfy({ lengths[$0] <= limit }) else { return nil }
    }
  }

  private mutating func symbol(_ codes: Codes) -> Int? {
    var (code, first, index) = (0, 0, 0)
    for length in 1...15 {
      guard let bit = bits(1) else { return nil }
      code = code << 1 | bit
      first <<= 1
      if code - first < codes.ofLength[length] { return codes.symbols[index + code - first] }
      index += codes.ofLength[length]
      first += codes.ofLength[length]
    }
    return nil
  }

  private mutating func lengths() -> [Int]? {
    guard bits(5) == 0, bits(5) == 0, let count = bits(4) else { return nil }
    var tableLengths = [Int](repeating: 0, count: 19)
    for symbol in DeflateTwin.tableOrder.prefix(count + 4) {
      guard let length = bits(3) else { return nil }
      tableLengths[symbol] = length
    }
    guard let codes = Codes(tableLengths, limit: 7) else { return nil }
    var lengths: [Int] = []
    while lengths.count < 258 {
      guard let symbol = symbol(codes) else { return nil }
      guard symbol >= 16 else {
        lengths.append(symbol)
        continue
      }
      let (bitCount, least) = [(2, 3), (3, 3), (7, 11)][symbol - 16]
      guard let more = bits(bitCount), let length = symbol == 16 ? lengths.last : 0 else {
        return nil
      }
      lengths += [Int](repeating: length, count: least + more)
    }
    return lengths.count == 258 && lengths[256] > 0 && lengths[257] == 0 ? lengths : nil
  }

  private mutating func coded() -> Bool {
    guard let lengths = lengths(),
      let codes = Codes(lengths, limit: Int(CKERNELS_CODE_BITS))
    else { return false }
    while let symbol = symbol(codes) {
      if symbol == 256 { return true }
      guard content.count < countMax else { return false }
      content.append(UInt8(symbol))
    }
    return false
  }

  /// Whether all is there and the checksum follows, and nothing else.
  private var isWhole: Bool {
    let end = (position + 7) / 8
    guard content.count == countMax, end + 4 == bytes.count else { return false }
    return bytes[end...].reduce(0) { $0 << 8 | Int($1) } == DeflateTwin.checksum(of: content)
  }
}
