import CZlib
import Weights

/// A second reader of records, written from Format.md alone, without the codec and without kernels.
///
/// It takes what the page allows and nothing else; anything else is `Damage`.
struct CodecReference {
  struct Damage: Error {}

  let record: [UInt8]
  private var position = 0

  /// The zlib streams in the record.
  private(set) var streams: [[UInt8]] = []
  /// What the record is made of, like `groups` and `form 2`.
  private(set) var features: Set<String> = []

  init(_ record: [UInt8]) { self.record = record }

  mutating func note(_ feature: String) { features.insert(feature) }

  func require(_ condition: Bool) throws {
    guard condition else { throw Damage() }
  }

  mutating func take(_ count: Int) throws -> [UInt8] {
    try require(count <= record.count - position)
    position += count
    return Array(record[position - count..<position])
  }

  mutating func byte() throws -> Int { Int(try take(1)[0]) }

  mutating func integer(_ size: Int) throws -> Int {
    try take(size).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  mutating func number() throws -> Int {
    var number = 0
    for shift in [0, 7, 14, 21] {
      let byte = try byte()
      number |= (byte & 127) << shift
      if byte < 128 { return number }
    }
    throw Damage()
  }

  /// Opens one whole stream with zlib's own `uncompress`.
  mutating func uncompress(_ stream: [UInt8], _ length: Int) throws -> [UInt8] {
    streams.append(stream)
    var output = [UInt8](repeating: 0, count: length)
    var (size, used) = (UInt(length), UInt(stream.count))
    let status = CZlib.uncompress2(&output, &size, stream, &used)
    try require(status == Z_OK && size == length && used == stream.count)
    return output
  }

  /// The content.
  mutating func content(base: [UInt8]?, factor: [UInt8]? = nil) throws -> [UInt8] {
    let (version, mode) = (try byte(), try byte())
    let (width, mapping, length) = (try byte(), try byte(), try integer(4))
    try require([1, 2].contains(version) && (0...3).contains(mode) && length <= 2 << 20)
    try require([1, 3].contains(mode) ? [1, 2, 4, 8].contains(width) : width == 1)
    try require(mode == 3 ? (0...4).contains(mapping) : mapping == 0)
    try require(mode == 0 || length >= (mode == 3 ? width : 1))
    note("version \(version) mode \(mode)")
    let content: [UInt8]
    switch mode {
    case 0: content = try take(length)
    case 1:
      let word = try take(width)
      content = (0..<length).map { word[$0 % width] }
    case 2: content = try uncompress(try take(record.count - position), length)
    default:
      note("version \(version) mapping \(mapping)")
      content = try planes(
        PlanesHeader(version: version, width: width, mapping: mapping, length: length), base, factor
      )
    }
    try require(position == record.count)
    return content
  }

  private struct PlanesHeader {
    let version: Int
    let width: Int
    let mapping: Int
    let length: Int

    var count: Int { length / width }
  }

  private mutating func planes(
    _ header: PlanesHeader, _ base: [UInt8]?, _ factor: [UInt8]?
  ) throws -> [UInt8] {
    var predicted: [UInt8] = []
    if header.mapping >= 2 {
      guard let base else { throw Damage() }
      predicted = base
      if header.version == 2 {
        predicted = try prediction(of: base, factor, width: header.width, count: header.count)
      }
    }
    predicted += [UInt8](repeating: 0, count: max(0, header.length - predicted.count))
    let mapped =
      header.version == 1
      ? try wordsOfVersion1(width: header.width, count: header.count)
      : try words(header, base: predicted)
    let twin = MappingTwin(mapping: header.mapping, bits: UInt64(8 * header.width))
    let words = (0..<header.count).flatMap { index in
      littleEndian(
        twin.unmap(mapped[index], word(predicted, index, header.width)), size: header.width)
    }
    return words + (try take(header.length % header.width))
  }

  private mutating func prediction(
    of base: [UInt8], _ factor: [UInt8]?, width: Int, count: Int
  ) throws -> [UInt8] {
    let kind = try byte()
    note("prediction \(kind)")
    if kind == 0 { return base }
    try require([1, 2, 3].contains(kind))
    let types: [DType] = [.f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2]
    let (source, target, start) = (try byte(), try byte(), try number())
    try require((1...6).contains(source) && (1...6).contains(target))
    let cast = Prediction.Cast(from: types[source - 1], to: types[target - 1], start: start)
    try require(cast.target.sizeBytes == width && (kind != 1 || source != target))
    let elements = PredictionTwin.elements(of: base, cast, count: count)
    if kind == 1 { return PredictionTwin.cast(elements, from: cast.source, to: cast.target) }
    let (rank, columns, firstColumn) = (try number(), try number(), try number())
    try require(rank > 0 && firstColumn < columns && rank * columns <= 262_144)
    let rows = (firstColumn + count - 1) / columns + 1
    try require(rows * rank * 4 <= 2 << 20 && factor?.count == 4 * rank * columns)
    var reader = CodecReference(try take(try number()))
    let rowFactor = try reader.content(base: nil)
    streams += reader.streams
    try require(rowFactor.count == rows * rank * 4)
    let product = Prediction.LowRank(
      cast: cast, rank: rank, columns: columns, firstColumn: firstColumn,
      rowFactor: PredictionTwin.floats(rowFactor), keepsZeros: kind == 3)
    return PredictionTwin.addProduct(product, PredictionTwin.floats(factor ?? []), to: elements)
  }

  private mutating func words(_ header: PlanesHeader, base: [UInt8]) throws -> [UInt64] {
    let perVector = 64 / header.width
    let kept = try keptVectors((header.count + perVector - 1) / perVector)
    let keptWords = (0..<header.count).filter { kept[$0 / perVector] }
    var mapped = [UInt64](repeating: 0, count: header.count)
    guard !keptWords.isEmpty else { return mapped }
    var members = [keptWords]
    if header.mapping >= 2 {
      let count = try byte()
      try require((1...32).contains(count))
      if count > 1 {
        note("groups")
        let shift = try byte()
        let firsts = [0] + (try take(count - 1))
        try require(shift < 8 * header.width && zip(firsts, firsts.dropFirst()).allSatisfy(<))
        members = [[Int]](repeating: [], count: count)
        for index in keptWords {
          let context = word(base, index, header.width) >> UInt64(shift)
          members[groupTwin(UInt8(truncatingIfNeeded: context), firsts)].append(index)
        }
      }
    }
    for plane in 0..<header.width {
      for (index, value) in try self.plane(members, keptWords) {
        mapped[index] |= UInt64(value) << UInt64(8 * plane)
      }
    }
    return mapped
  }

  private mutating func keptVectors(_ count: Int) throws -> [Bool] {
    let kind = try byte()
    note("vectors \(kind)")
    switch kind {
    case 0: return [Bool](repeating: true, count: count)
    case 1: return try bits(try uncompress(try take(try number()), (count + 7) / 8), count)
    case 2: return [Bool](repeating: false, count: count)
    default: throw Damage()
    }
  }

  /// The bits of a bitmap; those after the last are clear.
  func bits(_ bitmap: [UInt8], _ count: Int) throws -> [Bool] {
    var bits = [Bool](repeating: false, count: 8 * bitmap.count)
    for place in BitmapTwin.places(bitmap, bits.count) { bits[place] = true }
    try require(!bits[count...].contains(true))
    return Array(bits[..<count])
  }

  /// A plane's bytes with their words.
  private mutating func plane(
    _ members: [[Int]], _ keptWords: [Int]
  ) throws -> [(word: Int, value: UInt8)] {
    let coding = try byte()
    note("coding \(coding)")
    switch coding {
    case 0: return []
    case 1:
      let value = UInt8(try byte())
      return keptWords.map { ($0, value) }
    case 2: return Array(zip(keptWords, try take(keptWords.count)))
    case 3: return try codedPlane(members)
    default: throw Damage()
    }
  }

  private mutating func codedPlane(_ members: [[Int]]) throws -> [(word: Int, value: UInt8)] {
    let packed = try take((members.count + 3) / 4)
    let forms = (0..<4 * packed.count).map { Int(packed[$0 / 4] >> (2 * ($0 % 4)) & 3) }
    try require(!forms.contains(3) && forms.dropFirst(members.count).allSatisfy { $0 == 0 })
    var sizes: [Int] = []
    var nonzeros: [Int] = []
    for (words, form) in zip(members, forms) {
      note("form \(form)")
      nonzeros.append(form == 2 ? try number() : 0)
      let set = nonzeros[nonzeros.count - 1]
      try require(form != 2 || (1...max(1, words.count)).contains(set))
      sizes.append([0, words.count, (words.count + 7) / 8 + set][form])
    }
    let streamCount = try byte()
    note("streams \(min(streamCount, 2))")
    let lengths = try (0..<streamCount).map { _ in (try number(), try number()) }
    try require(lengths.allSatisfy { $0.0 > 0 })
    try require(lengths.reduce(0) { $0 + $1.0 } == sizes.reduce(0, +))
    var coded: [UInt8] = []
    for (rawSize, size) in lengths { coded += try uncompress(try take(size), rawSize) }
    var values: [(Int, UInt8)] = []
    for (words, (size, count)) in zip(members, zip(sizes, nonzeros)) where size > 0 {
      let part = Array(coded.prefix(size))
      coded.removeFirst(size)
      guard count > 0 else {
        values += zip(words, part)
        continue
      }
      let bits = try bits(Array(part.dropLast(count)), words.count)
      let set = zip(words, bits).filter { $0.1 }.map { $0.0 }
      try require(set.count == count)
      values += zip(set, part.suffix(count))
    }
    return values
  }
}
