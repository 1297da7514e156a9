import CZlib

/// A second reader of records, written from Format.md alone, without the codec and without kernels.
struct CodecReference {
  struct Damage: Error {}

  let record: [UInt8]
  private var position = 8

  /// The zlib streams in the record.
  private(set) var streams: [[UInt8]] = []
  /// What the record is made of: `coded`, `sparse`, `groups`, …
  private(set) var features: Set<String> = []

  init(_ record: [UInt8]) { self.record = record }

  private func number(at offset: Int, size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(record[offset + $1]) << (8 * $1) }
  }

  private mutating func take(_ count: Int) -> [UInt8] {
    position += count
    return Array(record[position - count..<position])
  }

  private mutating func byte() -> Int { Int(take(1)[0]) }

  private mutating func leb() -> Int {
    var (number, shift) = (0, 0)
    while true {
      let byte = byte()
      number |= (byte & 127) << shift
      shift += 7
      if byte < 128 { return number }
    }
  }

  /// The content; every stream is opened by zlib's own `uncompress`.
  mutating func content(base: [UInt8]) throws -> [UInt8] {
    let width = Int(record[2])
    let length = number(at: 4, size: 4)
    switch (record[0], record[1]) {
    case (1, 0), (2, 0): return Array(record[8...])
    case (1, 1), (2, 1): return (0..<length).map { record[8 + $0 % width] }
    case (1, 2), (2, 2): return try uncompress(Array(record[8...]), length)
    case (1, 3), (2, 3):
      let words = length / width
      let base = base + [UInt8](repeating: 0, count: max(0, length - base.count))
      let mapped =
        record[0] == 1
        ? try wordsOfVersion1(width: width, count: words)
        : try wordsOfVersion2(width: width, count: words, base: base)
      let twin = MappingTwin(mapping: Int(record[3]), bits: UInt64(8 * width))
      features.insert("mapping \(record[3])")
      return (0..<words).flatMap { index in
        littleEndian(twin.unmap(mapped[index], word(base, index, width)), size: width)
      } + record[position...]
    default: throw Damage()
    }
  }

  private mutating func wordsOfVersion2(width: Int, count: Int, base: [UInt8]) throws -> [UInt64] {
    let usesBase = record[3] >= 2
    if usesBase { guard byte() == 0 else { throw Damage() } }
    let perVector = 64 / width
    let vectorCount = (count + perVector - 1) / perVector
    let kept = try keptVectors(vectorCount)
    let keptWords = (0..<count).filter { kept[$0 / perVector] }
    var mapped = [UInt64](repeating: 0, count: count)
    guard !keptWords.isEmpty else { return mapped }
    var group = [Int](repeating: 0, count: count)
    var groupCount = 1
    if usesBase {
      groupCount = byte()
      if groupCount > 1 {
        features.insert("groups")
        let shift = UInt64(byte())
        let firsts = [0] + take(groupCount - 1)
        for index in keptWords {
          let context = UInt8(truncatingIfNeeded: word(base, index, width) >> shift)
          group[index] = groupTwin(context, firsts)
        }
      }
    }
    let members = (0..<groupCount).map { number in keptWords.filter { group[$0] == number } }
    for plane in 0..<width {
      let bytes = try self.plane(members, keptWords)
      for (index, value) in bytes { mapped[index] |= UInt64(value) << UInt64(8 * plane) }
    }
    return mapped
  }

  private mutating func keptVectors(_ count: Int) throws -> [Bool] {
    switch byte() {
    case 0: return [Bool](repeating: true, count: count)
    case 1:
      features.insert("vectors")
      let stream = take(leb())
      let bitmap = try uncompress(stream, (count + 7) / 8)
      return (0..<count).map { bitmap[$0 / 8] >> ($0 % 8) & 1 == 1 }
    default:
      features.insert("no vector")
      return [Bool](repeating: false, count: count)
    }
  }

  /// A plane's bytes with their words.
  private mutating func plane(
    _ members: [[Int]], _ keptWords: [Int]
  ) throws -> [(word: Int, value: UInt8)] {
    let coding = byte()
    features.insert("coding \(coding)")
    switch coding {
    case 0: return []
    case 1:
      let value = UInt8(byte())
      return keptWords.map { ($0, value) }
    case 2: return Array(zip(keptWords, take(keptWords.count)))
    case 3: break
    default: throw Damage()
    }
    let forms = take((members.count + 3) / 4)
    func form(_ group: Int) -> UInt8 { forms[group / 4] >> (2 * UInt8(group % 4)) & 3 }
    var nonzeros: [Int: Int] = [:]
    for group in members.indices where form(group) == 2 { nonzeros[group] = leb() }
    let sizes = (0..<byte()).map { _ in (leb(), leb()) }
    if sizes.count > 1 { features.insert("several streams") }
    var coded: [UInt8] = []
    for (rawSize, size) in sizes { coded += try uncompress(take(size), rawSize) }
    var values: [(Int, UInt8)] = []
    for (group, words) in members.enumerated() where form(group) > 0 {
      features.insert("form \(form(group))")
      if form(group) == 1 {
        values += zip(words, coded)
        coded.removeFirst(words.count)
        continue
      }
      let bitmap = coded.prefix((words.count + 7) / 8)
      coded.removeFirst(bitmap.count)
      let set = words.indices.filter { bitmap[bitmap.startIndex + $0 / 8] >> ($0 % 8) & 1 == 1 }
      guard set.count == nonzeros[group] else { throw Damage() }
      values += zip(set.map { words[$0] }, coded)
      coded.removeFirst(set.count)
    }
    guard coded.isEmpty else { throw Damage() }
    return values
  }

  private mutating func wordsOfVersion1(width: Int, count: Int) throws -> [UInt64] {
    let table = take(4 * width)
    var mapped = [UInt64](repeating: 0, count: count)
    for plane in 0..<width {
      let size = (1...3).reduce(0) { $0 | Int(table[4 * plane + $1]) << (8 * ($1 - 1)) }
      let bytes = try planeOfVersion1(take(size), coding: table[4 * plane], words: count)
      for index in 0..<count { mapped[index] |= UInt64(bytes[index]) << UInt64(8 * plane) }
    }
    return mapped
  }

  private mutating func planeOfVersion1(
    _ payload: [UInt8], coding: UInt8, words: Int
  ) throws -> [UInt8] {
    features.insert("coding \(coding)")
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
