import CZlib
import Support
import Weights

/// Makes records of a few hundred bytes with whatever Format.md allows, not only what the encoder
/// chooses: any coding of any plane, groups of a few words, streams of any encoder.
struct RecordMaker {
  private var generator: SeededGenerator
  private var record: [UInt8] = []

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  private mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  /// Random bytes, in which some values are frequent.
  private mutating func bytes(_ count: Int) -> [UInt8] {
    let mask: UInt8 = [0, 1, 3, 255].randomElement(using: &generator) ?? 0
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) & mask }
  }

  private mutating func append(number: Int) {
    var rest = number
    while rest >= 128 {
      record.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    record.append(UInt8(rest))
  }

  /// A stream of zlib at some level, or of Huffman codes as the encoder writes them.
  private mutating func stream(_ bytes: [UInt8]) -> [UInt8] {
    let level = number(-1...9)
    guard level >= 0 else {
      let run = number(1...bytes.count)
      let runs = [run, bytes.count - run].filter { $0 > 0 }
      return DeflateTwin.stream(of: bytes, runs: runs)
    }
    var size = compressBound(UInt(bytes.count))
    var stream = [UInt8](repeating: 0, count: Int(size))
    precondition(compress2(&stream, &size, bytes, UInt(bytes.count), Int32(level)) == Z_OK)
    return Array(stream[..<Int(size)])
  }

  private mutating func appendHeader(
    version: Int, mode: Int, width: Int = 1, mapping: Int = 0, length: Int
  ) {
    record = [UInt8(version), UInt8(mode), UInt8(width), UInt8(mapping)]
    record += littleEndian(UInt64(length), size: 4)
  }

  /// Makes a record of a version and mode.
  mutating func sample(version: Int, mode: Int) -> RecordSample {
    let width = [1, 2, 4, 8].randomElement(using: &generator) ?? 1
    let length = number(width...300)
    let name = "version \(version) mode \(mode)"
    switch mode {
    case 0:
      appendHeader(version: version, mode: 0, length: length)
      record += bytes(length)
    case 1:
      appendHeader(version: version, mode: 1, width: width, length: length)
      record += bytes(width)
    case 2:
      appendHeader(version: version, mode: 2, length: length)
      let content = bytes(length)
      record += stream(content)
    default: return planes(name, version: version, width: width, length: length)
    }
    return RecordSample(name: name, record: record, length: length)
  }

  private mutating func planes(
    _ name: String, version: Int, width: Int, length: Int
  ) -> RecordSample {
    let mapping = number(0...4)
    appendHeader(version: version, mode: 3, width: width, mapping: mapping, length: length)
    var base: [UInt8]?
    var factor: [UInt8]?
    let count = length / width
    if mapping >= 2 { base = bytes(number(0...length + 20)) }
    if version == 1 {
      appendPlanesOfVersion1(width: width, count: count)
    } else {
      var predicted = base ?? []
      if let own = base { (predicted, factor) = appendPrediction(own, width: width, count: count) }
      predicted += [UInt8](repeating: 0, count: max(0, length - predicted.count))
      appendPlanes(predicted, usesBase: base != nil, width: width, count: count)
    }
    record += bytes(length % width)
    return RecordSample(
      name: "\(name) width \(width) mapping \(mapping)", record: record, length: length,
      base: base, factor: factor)
  }

  /// Returns what is predicted, and the column factor where it needs one.
  private mutating func appendPrediction(
    _ base: [UInt8], width: Int, count: Int
  ) -> ([UInt8], [UInt8]?) {
    let types: [DType] = [.f64, .f32, .f16, .bf16, .f8E4M3, .f8E5M2]
    let kind = [0, 0, 1, 2, 3].randomElement(using: &generator) ?? 0
    let source = types[number(0...5)]
    let target = types.filter { $0.sizeBytes == width }.randomElement(using: &generator) ?? .f64
    guard kind > 0, kind != 1 || source != target else {
      record.append(0)
      return (base, nil)
    }
    record += [UInt8(kind), source.rawValue, target.rawValue]
    let cast = Prediction.Cast(from: source, to: target, start: number(0...9))
    append(number: cast.start)
    let elements = PredictionTwin.elements(of: base, cast, count: count)
    if kind == 1 { return (PredictionTwin.cast(elements, from: source, to: target), nil) }
    let (rank, columns) = (number(1...3), number(1...40))
    let firstColumn = number(0...columns - 1)
    for value in [rank, columns, firstColumn] { append(number: value) }
    let rowFactor = bytes(4 * rank * ((firstColumn + count - 1) / columns + 1))
    let factor = bytes(4 * rank * columns)
    append(number: 8 + rowFactor.count)
    record += [2, 0, 1, 0] + littleEndian(UInt64(rowFactor.count), size: 4) + rowFactor
    let product = Prediction.LowRank(
      cast: cast, rank: rank, columns: columns, firstColumn: firstColumn,
      rowFactor: PredictionTwin.floats(rowFactor), keepsZeros: kind == 3)
    return (PredictionTwin.addProduct(product, PredictionTwin.floats(factor), to: elements), factor)
  }

  private mutating func appendPlanes(_ base: [UInt8], usesBase: Bool, width: Int, count: Int) {
    let perVector = 64 / width
    let vectorCount = (count + perVector - 1) / perVector
    let vectors = number(0...9) / 4  // 0 and 1 more often than 2
    var kept = [Bool](repeating: vectors == 0, count: vectorCount)
    record.append(UInt8(vectors))
    if vectors == 1 {
      for index in kept.indices { kept[index] = Bool.random(using: &generator) }
      let stream = stream(BitmapTwin.bitmap(kept.map { $0 ? 1 : 0 }))
      append(number: stream.count)
      record += stream
    }
    let words = (0..<count).filter { kept[$0 / perVector] }
    guard !words.isEmpty else { return }
    var sizes = [words.count]
    if usesBase {
      let groupCount = [1, 2, 3, number(4...32)].randomElement(using: &generator) ?? 1
      let firsts = [0] + Set((1...255).shuffled(using: &generator).prefix(groupCount - 1)).sorted()
      let shift = number(0...8 * width - 1)
      record.append(UInt8(groupCount))
      if groupCount > 1 { record += ([shift] + firsts.dropFirst()).map { UInt8($0) } }
      sizes = [Int](repeating: 0, count: groupCount)
      for index in words {
        let context = UInt8(truncatingIfNeeded: word(base, index, width) >> UInt64(shift))
        sizes[groupTwin(context, firsts.map { UInt8($0) })] += 1
      }
    }
    for _ in 0..<width { appendPlane(sizes) }
  }

  private mutating func appendPlane(_ sizes: [Int]) {
    let coding = number(0...5)
    record.append(UInt8(min(coding, 3)))
    if coding == 1 { record += bytes(1) }
    if coding == 2 { record += bytes(sizes.reduce(0, +)) }
    if coding >= 3 { appendCoded(sizes) }
  }

  private mutating func appendCoded(_ sizes: [Int]) {
    let forms = sizes.map { $0 == 0 ? number(0...1) : number(0...2) }
    var packed = [UInt8](repeating: 0, count: (sizes.count + 3) / 4)
    for (index, form) in forms.enumerated() {
      packed[index / 4] |= UInt8(form) << (2 * (index % 4))
    }
    record += packed
    var content: [UInt8] = []
    for (size, form) in zip(sizes, forms) where form > 0 {
      var part = bytes(size)
      if form == 2 {
        part[number(0...size - 1)] = 9  // one byte at least is not zero
        let nonzeros = part.filter { $0 != 0 }
        append(number: nonzeros.count)
        part = BitmapTwin.bitmap(part) + nonzeros
      }
      content += part
    }
    var pieces: [[UInt8]] = []
    while !content.isEmpty {
      let piece = Array(content.prefix(number(1...content.count)))
      pieces.append(piece)
      content.removeFirst(piece.count)
    }
    let streams = pieces.map { stream($0) }
    record.append(UInt8(streams.count))
    for (piece, stream) in zip(pieces, streams) {
      append(number: piece.count)
      append(number: stream.count)
    }
    record += streams.joined()
  }

  private mutating func appendPlanesOfVersion1(width: Int, count: Int) {
    var payloads: [[UInt8]] = []
    for _ in 0..<width {
      let coding = number(0...4)
      var plane = bytes(count)
      plane[number(0...count - 1)] = 9
      var payload = coding == 1 ? plane : coding == 2 ? stream(plane) : []
      if coding >= 3 {
        let bitmap = stream(BitmapTwin.bitmap(plane))
        let nonzeros = plane.filter { $0 != 0 }
        payload = littleEndian(UInt64(bitmap.count), size: 4) + bitmap
        payload += coding == 3 ? nonzeros : stream(nonzeros)
      }
      record += [UInt8(coding)] + littleEndian(UInt64(payload.count), size: 3)
      payloads.append(payload)
    }
    record += payloads.joined()
  }
}
