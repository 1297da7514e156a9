/// The planes of records of version 1, from the end of Format.md.
extension CodecReference {
  mutating func wordsOfVersion1(width: Int, count: Int) throws -> [UInt64] {
    let table = try (0..<width).map { _ in (try byte(), try integer(3)) }
    var mapped = [UInt64](repeating: 0, count: count)
    for (plane, (coding, size)) in table.enumerated() {
      let bytes = try planeOfVersion1(try take(size), coding: coding, words: count)
      for index in 0..<count { mapped[index] |= UInt64(bytes[index]) << UInt64(8 * plane) }
    }
    return mapped
  }

  private mutating func planeOfVersion1(
    _ payload: [UInt8], coding: Int, words: Int
  ) throws -> [UInt8] {
    note("version 1 coding \(coding)")
    switch coding {
    case 0:
      try require(payload.isEmpty)
      return [UInt8](repeating: 0, count: words)
    case 1:
      try require(payload.count == words)
      return payload
    case 2: return try uncompress(payload, words)
    case 3, 4:
      try require(payload.count >= 4)
      let size = payload[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
      try require(size <= payload.count - 4)
      let bits = try bits(try uncompress(Array(payload[4..<4 + size]), (words + 7) / 8), words)
      let set = bits.indices.filter { bits[$0] }
      try require(!set.isEmpty)
      let rest = Array(payload[(4 + size)...])
      let nonzeros = coding == 3 ? rest : try uncompress(rest, set.count)
      try require(nonzeros.count == set.count)
      var plane = [UInt8](repeating: 0, count: words)
      for (index, value) in zip(set, nonzeros) { plane[index] = value }
      return plane
    default: throw Damage()
    }
  }
}
