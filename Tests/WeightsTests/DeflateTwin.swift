/// The stream that `ckernels_codec.deflate` writes, in plain Swift: a tree of nodes, an array
/// of bits.
struct DeflateTwin {
  private var bits: [Bool] = []

  /// `lengths` makes codes' lengths of counts; the encoder's unless a stream is wanted that it
  /// never writes.
  static func stream(
    of content: [UInt8], runs: [Int],
    lengths: ([Int]) -> [Int] = { DeflateTwin.lengths($0, limit: 12) }
  ) -> [UInt8] {
    var twin = DeflateTwin()
    twin.put(0x0178, 16)
    var start = 0
    for (index, run) in runs.enumerated() {
      twin.putBlock(
        Array(content[start..<start + run]), isLast: index == runs.count - 1, lengths)
      start += run
    }
    while twin.bits.count % 8 != 0 { twin.put(0, 1) }
    let checksum = Self.checksum(of: content)
    for shift in [24, 16, 8, 0] { twin.put(checksum >> shift & 255, 8) }
    return stride(from: 0, to: twin.bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { $0 | (twin.bits[start + $1] ? 1 << UInt8($1) : 0) }
    }
  }

  /// The Adler-32 of some bytes.
  static func checksum(of content: [UInt8]) -> Int {
    var (a, b) = (1, 0)
    for byte in content {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return b << 16 | a
  }

  /// The order in which a table's own lengths are written.
  static let tableOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  /// Codes' lengths of at most `limit` bits: Huffman's tree, leaves before inner nodes of equal
  /// weight; what is longer is cut, and codes of the next shorter length are made longer for it.
  static func lengths(_ counts: [Int], limit: Int) -> [Int] {
    let order = counts.indices.filter { counts[$0] > 0 }.sorted {
      (counts[$0], $0) < (counts[$1], $1)
    }
    var weights = order.map { counts[$0] }
    var children: [(Int, Int)?] = order.map { _ in nil }
    var (leaf, inner) = (0, order.count)
    func takeLightest() -> Int {
      let hasLeaf = leaf < order.count
      let hasInner = inner < weights.count
      let isLeaf = hasLeaf && !(hasInner && weights[inner] < weights[leaf])
      if isLeaf { leaf += 1 } else { inner += 1 }
      return isLeaf ? leaf - 1 : inner - 1
    }
    for _ in 1..<order.count {
      let (one, other) = (takeLightest(), takeLightest())
      weights.append(weights[one] + weights[other])
      children.append((one, other))
    }
    var ofLength = [Int](repeating: 0, count: 300)
    var open = [(weights.count - 1, 0)]
    while let (node, depth) = open.popLast() {
      if let (one, other) = children[node] {
        open += [(one, depth + 1), (other, depth + 1)]
      } else {
        ofLength[min(depth, limit)] += 1
      }
    }
    func taken() -> Int { (1...limit).reduce(0) { $0 + ofLength[$1] << (limit - $1) } }
    while taken() > 1 << limit {
      let shorter = (1..<limit).last { ofLength[$0] > 0 } ?? 1
      ofLength[limit] -= 1
      ofLength[shorter] -= 1
      ofLength[shorter + 1] += 2
    }
    var lengths = [Int](repeating: 0, count: counts.count)
    let descending = (1...limit).reversed().flatMap { [Int](repeating: $0, count: ofLength[$0]) }
    for (symbol, length) in zip(order, descending) { lengths[symbol] = length }
    return lengths
  }

  private mutating func put(_ value: Int, _ count: Int) {
    for bit in 0..<count { bits.append(value >> bit & 1 == 1) }
  }

  /// A code goes from its highest bit on.
  private mutating func put(_ symbol: Int, of codes: [Int], _ lengths: [Int]) {
    for bit in (0..<lengths[symbol]).reversed() { bits.append(codes[symbol] >> bit & 1 == 1) }
  }

  private static func codes(_ lengths: [Int]) -> [Int] {
    var codes = [Int](repeating: 0, count: lengths.count)
    var next = 0
    for length in 1...15 {
      next <<= 1
      for symbol in lengths.indices where lengths[symbol] == length {
        codes[symbol] = next
        next += 1
      }
    }
    return codes
  }

  /// The lengths of literals, the end and one unused distance as symbols with a number each.
  private static func table(_ lengths: [Int]) -> [(symbol: Int, extra: Int)] {
    var entries: [(Int, Int)] = []
    var rest = (lengths + [0])[...]
    while let length = rest.first {
      var run = rest.prefix { $0 == length }.count
      rest = rest.dropFirst(run)
      if length != 0 {
        entries.append((length, 0))
        run -= 1
      }
      while run >= 3 {
        let part = min(run, length != 0 ? 6 : 138)
        entries.append(length != 0 ? (16, part - 3) : part < 11 ? (17, part - 3) : (18, part - 11))
        run -= part
      }
      entries += [(Int, Int)](repeating: (length, 0), count: run)
    }
    return entries
  }

  private mutating func putBlock(
    _ bytes: [UInt8], isLast: Bool, _ makeLengths: ([Int]) -> [Int]
  ) {
    var counts = [Int](repeating: 0, count: 257)
    for byte in bytes { counts[Int(byte)] += 1 }
    counts[256] = 1
    let lengths = makeLengths(counts)
    let entries = Self.table(lengths)
    var tableCounts = [Int](repeating: 0, count: 19)
    for entry in entries { tableCounts[entry.symbol] += 1 }
    let tableLengths = Self.lengths(tableCounts, limit: 7)
    let written = max(4, (Self.tableOrder.lastIndex { tableLengths[$0] > 0 } ?? 0) + 1)
    let extraBits = [16: 2, 17: 3, 18: 7]
    let tableBits = entries.reduce(14 + 3 * written) {
      $0 + tableLengths[$1.symbol] + (extraBits[$1.symbol] ?? 0)
    }
    let codeBits = zip(counts, lengths).reduce(0) { $0 + $1.0 * $1.1 }
    let storedBytes = bytes.count + 4 * ((bytes.count + 65534) / 65535)
    guard 3 + tableBits + codeBits < 8 * storedBytes + 3 else {
      return putStored(bytes, isLast: isLast)
    }
    put(isLast ? 1 : 0, 1)
    for (value, count) in [(2, 2), (0, 5), (0, 5), (written - 4, 4)] { put(value, count) }
    for symbol in Self.tableOrder.prefix(written) { put(tableLengths[symbol], 3) }
    let tableCodes = Self.codes(tableLengths)
    for entry in entries {
      put(entry.symbol, of: tableCodes, tableLengths)
      put(entry.extra, extraBits[entry.symbol] ?? 0)
    }
    let codes = Self.codes(lengths)
    for symbol in bytes.map(Int.init) + [256] { put(symbol, of: codes, lengths) }
  }

  private mutating func putStored(_ bytes: [UInt8], isLast: Bool) {
    for start in stride(from: 0, to: bytes.count, by: 65535) {
      let part = bytes[start..<min(start + 65535, bytes.count)]
      put(isLast && part.endIndex == bytes.count ? 1 : 0, 3)
      while bits.count % 8 != 0 { put(0, 1) }
      put(part.count, 16)
      put(~part.count & 0xffff, 16)
      for byte in part { put(Int(byte), 8) }
    }
  }
}
