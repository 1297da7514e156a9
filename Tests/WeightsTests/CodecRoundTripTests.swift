import Storage
import Support
import Testing
import Weights

@Suite struct CodecRoundTripTests {
  private static let elements: [DType?] = DType.allCases + [nil]
  private static let lengths = [0, 1, 2, 3, 7, 8, 9, 15, 63, 257, 4096, 4099, 70_003]
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
    return [
      ("zeros", [UInt8](repeating: 0, count: length), nil),
      ("one repeated word", Array((0..<length).map { UInt8($0 % (element?.sizeBytes ?? 1)) }), nil),
      ("weights", weights, nil), ("random", random, nil),
      ("equal base", weights, weights), ("near base", touched, weights),
      ("unrelated base", weights, other), ("random after weights", random, weights),
      ("special values", special, nil), ("special values after weights", special, weights),
      ("weights after special values", weights, special), ("rows that moved", rows, weights),
      ("base of half the length", touched, half), ("empty base", weights, []),
      ("longer base", touched, weights + other),
    ]
  }

  @Test(arguments: elements)
  func `what is decoded is what was encoded`(element: DType?) throws {
    for length in Self.lengths {
      for (name, content, base) in cases(element, length) {
        let place = Comment(rawValue: "\(name), \(length) bytes, seed \(Self.seed)")
        let encoded = try ChunkCodec.encode(content, element, base: base)
        #expect(encoded.record.count <= length + 8, place)
        for level in CodecKernels.all {
          let other = try ChunkCodec.encode(content, element, base: base, kernels: level)
          #expect(other.record == encoded.record, "\(level.name): \(place)")
          let decoded = try ChunkCodec.decode(
            encoded.record, length: length, base: base, kernels: level)
          #expect(decoded == content, "\(level.name): \(place)")
        }
        let usesBase = try encoded.record.withUnsafeBytes { try ChunkCodec.usesBase($0) }
        #expect(usesBase == encoded.usesBase, place)
        #expect(!encoded.usesBase || base?.isEmpty == false, place)
      }
    }
  }

  @Test(arguments: elements)
  func `a second reader agrees and stock zlib opens every stream`(element: DType?) throws {
    var opened = 0
    for length in [257, 4099, 70_003] {
      for (name, content, base) in cases(element, length) {
        let encoded = try ChunkCodec.encode(content, element, base: base)
        var reference = CodecReference(encoded.record)
        let decoded = try reference.content(base: base ?? [])
        #expect(decoded == content, "\(name), \(length) bytes, seed \(Self.seed)")
        opened += reference.streams.count
      }
    }
    #expect(opened > 0)
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
