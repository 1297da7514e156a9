import Storage
import Support
import Testing
import Weights

/// The whole codec: every level, plain Swift among them, makes the same record of a content and
/// gives the content back, and so does a second reader.
@Suite struct CodecRoundTripTests {
  private static let elements: [DType?] = DType.allCases + [nil]
  private static let seed: UInt64 = 11

  /// Contents of one length with every base that may be given for them.
  private func cases(
    _ element: DType?, _ length: Int
  ) -> [(name: String, content: [UInt8], base: [UInt8]?)] {
    var data = CodecData(seed: Self.seed)
    let weights = data.content(element, bytes: length)
    let random = data.bytes(length)
    let other = data.content(element, bytes: length)
    var touched = weights
    for _ in 0..<length / 100 {
      touched[Int.random(in: 0..<length, using: &data.generator)] ^= 3
    }
    var special = weights
    let patterns: [UInt8] = [0, 0x80, 0x7f, 0xff, 0xf0, 0x01]  // NaN, infinities, subnormals, −0
    for index in special.indices where index % 3 == 0 {
      special[index] = patterns[Int.random(in: 0..<6, using: &data.generator)]
    }
    var rows = weights
    for start in stride(from: 0, to: length, by: 700) {
      for index in start..<min(start + 200, length) { rows[index] &+= 1 }
    }
    let half = Array(weights.prefix(length / 2))
    let type = element ?? .u8
    let values = data.weights(length / type.sizeBytes + 1)
    func cut(_ values: [Double]) -> [UInt8] { Array(CodecData.encode(values, type).prefix(length)) }
    let moved = cut(data.trained(values, scale: 1e-3))
    let extremes = data.extremes(type, bytes: length)
    return [
      ("zeros", [UInt8](repeating: 0, count: length), nil),
      ("one repeated word", Array((0..<length).map { UInt8($0 % (element?.sizeBytes ?? 1)) }), nil),
      ("weights", weights, nil), ("random", random, nil),
      ("equal base", weights, weights), ("near base", touched, weights),
      ("unrelated base", weights, other), ("random after weights", random, weights),
      ("special values", special, nil), ("special values after weights", special, weights),
      ("weights after special values", weights, special), ("rows that moved", rows, weights),
      ("base of half the length", touched, half), ("empty base", weights, []),
      ("longer base", touched, weights + other), ("all moved a little", moved, cut(values)),
      ("other exponents", cut(values.map { 1000 * $0 }), cut(values)),
      ("few values", cut(values.map { $0 > 0 ? 0.5 : -0.25 }), nil),
      ("extremes", extremes, nil), ("extremes after weights", extremes, weights),
      ("moved extremes", extremes.map { $0 &+ 1 }, extremes),
    ]
  }

  /// Contents of more than 65,536 words, of which the encoder counts only a part, and their bases.
  private func longCases(_ element: DType) -> [(name: String, content: [UInt8], base: [UInt8]?)] {
    var data = CodecData(seed: Self.seed)
    let count = 66_563
    let values = data.weights(count)
    let base = CodecData.encode(values, element)
    let moved = data.trained(values, scale: 1e-3)
    var sparse = values
    for index in stride(from: 0, to: count, by: 97) { sparse[index] = moved[index] }
    let rows = values.indices.map { $0 / 512 % 4 == 0 ? moved[$0] : values[$0] }
    let signs = values.map { $0 > 0 ? 0.5 : -0.25 }
    func encode(_ values: [Double]) -> [UInt8] { CodecData.encode(values, element) }
    return [
      ("weights", base, nil), ("all moved", encode(moved), base),
      ("few moved", encode(sparse), base),
      ("rows moved", encode(rows), base), ("equal", base, base), ("two values", encode(signs), nil),
      ("shorter base", encode(moved), Array(base.prefix(base.count / 3))),
      ("other exponents", encode(values.map { 1000 * $0 }), base),
      ("positive", encode(values.map { abs($0) + 1 }), nil),
      ("random", data.bytes(base.count), base),
      ("flipped bits", zip(base, encode(moved)).map { $0 ^ ($1 & 1) }, base),
    ]
  }

  /// Encodes and decodes on every level; returns what the record is made of.
  private func roundTrip(
    _ content: [UInt8], _ element: DType?, base: [UInt8]?, _ place: Comment
  ) throws -> Set<String> {
    let encoded = try ChunkCodec.encode(content, element, base: base)
    #expect(encoded.record.count <= content.count + 8, place)
    try withTwinKernels { twin in
      for level in CodecKernels.all + [twin] {
        let other = try ChunkCodec.encode(content, element, base: base, kernels: level)
        #expect(other.record == encoded.record, "\(level.name): \(place)")
        let decoded = try ChunkCodec.decode(
          encoded.record, length: content.count, base: base, kernels: level)
        #expect(decoded == content, "\(level.name): \(place)")
      }
    }
    let usesBase = try encoded.record.withUnsafeBytes { try ChunkCodec.usesBase($0) }
    #expect(usesBase == encoded.usesBase, place)
    #expect(!encoded.usesBase || base?.isEmpty == false, place)
    // It opens every stream with stock zlib.
    var reference = CodecReference(encoded.record)
    let read = try reference.content(base: base)
    #expect(read == content, place)
    return reference.features
  }

  @Test(arguments: elements)
  func `what is decoded is what was encoded`(element: DType?) throws {
    for length in [0, 1, 2, 3, 7, 8, 9, 15, 63, 257, 4096, 4099, 70_003] {
      for (name, content, base) in cases(element, length) {
        let place = Comment(rawValue: "\(name), \(length) bytes, seed \(Self.seed)")
        _ = try roundTrip(content, element, base: base, place)
      }
    }
  }

  @Test func `chunks of many words come back, and every part of the format comes up`() throws {
    var features: Set<String> = []
    for element in [DType.f64, .f32, .bf16, .f16, .f8E4M3, .i32, .u8] {
      for (name, content, base) in longCases(element) {
        let place = Comment(rawValue: "\(name), \(element.name), seed \(Self.seed)")
        features.formUnion(try roundTrip(content, element, base: base, place))
      }
    }
    let text = Array((0..<9000).map { "line \($0 % 700)\n" }.joined().utf8)
    for content in [text, [UInt8](repeating: 1, count: 70_000)] {
      features.formUnion(try roundTrip(content, nil, base: nil, "of no type"))
    }
    var wanted = ["groups", "streams 1", "streams 2", "prediction 0"]
    wanted += (0...3).flatMap { ["version 2 mode \($0)", "coding \($0)"] }
    wanted += (0...4).map { "version 2 mapping \($0)" }
    wanted += (0...2).flatMap { ["vectors \($0)", "form \($0)"] }
    #expect(features.isSuperset(of: wanted), "lacks \(Set(wanted).subtracting(features).sorted())")
  }

  @Test func `a record that needs no base ignores one`() throws {
    var data = CodecData(seed: Self.seed)
    let content = data.content(.f32, bytes: 4096)
    let record = try ChunkCodec.encode(content, .f32).record
    #expect(try ChunkCodec.decode(record, length: 4096, base: data.bytes(4096)) == content)
  }

  @Test func `content may have the greatest length and no byte more`() throws {
    var data = CodecData(seed: Self.seed)
    let content = data.content(.bf16, bytes: ChunkCodec.contentBytesMax)
    let record = try ChunkCodec.encode(content, .bf16).record
    #expect(try ChunkCodec.decode(record, length: content.count) == content)
    let error = #expect(throws: RegistryError.self) {
      try ChunkCodec.encode(content + [0], .bf16)
    }
    #expect(error?.kind == .invalidInput)
  }

  @Test func `types keep safetensors' names and sizes`() {
    for type in DType.allCases {
      #expect(DType(safetensorsName: type.name) == type)
    }
    #expect(DType(safetensorsName: "f32") == nil)
    #expect(DType(safetensorsName: "F8_E8M0") == nil)
    #expect(Set(DType.allCases.map(\.name)).count == 15)
    #expect(DType.allCases.filter(\.isFloat).map(\.sizeBytes) == [8, 4, 2, 2, 1, 1])
  }
}
