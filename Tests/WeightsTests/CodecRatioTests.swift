import Support
import Testing
import Weights

/// How few bytes a record takes, on seeded chunks of 65,536 values.
@Suite struct CodecRatioTests {
  private static let seed: UInt64 = 3
  private let count = 65_536

  private func ratio(
    _ values: [Double], _ element: DType, base: [Double]? = nil
  ) throws -> Double {
    let content = CodecData.encode(values, element)
    let encoded = try ChunkCodec.encode(
      content, element, base: base.map { CodecData.encode($0, element) })
    let baseBytes = base.map { CodecData.encode($0, element) }
    #expect(
      try ChunkCodec.decode(encoded.record, length: content.count, base: baseBytes) == content)
    return Double(encoded.record.count) / Double(content.count)
  }

  // The bounds are about a hundredth above what was measured. zlib exceeds them where there is no
  // base, and records of version 1 where there is one.
  @Test(arguments: [
    (DType.f64, 0.883), (.f32, 0.839), (.bf16, 0.668), (.f16, 0.853), (.f8E4M3, 0.666),
    (.f8E5M2, 0.697),
  ])
  func `weights alone cost their exponents' entropy less`(element: DType, bound: Double) throws {
    var data = CodecData(seed: Self.seed)
    #expect(try ratio(data.weights(count), element) < bound, "seed \(Self.seed)")
  }

  @Test(arguments: [
    (DType.f64, 1e-3, 0.72), (.f32, 1e-3, 0.527), (.f32, 1e-2, 0.63), (.bf16, 1e-3, 0.0958),
    (.bf16, 1e-2, 0.253), (.f16, 1e-3, 0.2325),
  ])
  func `a fine-tune costs what it moved`(element: DType, scale: Double, bound: Double) throws {
    var data = CodecData(seed: Self.seed)
    let base = data.weights(count)
    let child = data.trained(base, scale: scale)
    #expect(try ratio(child, element, base: base) < bound, "seed \(Self.seed)")
  }

  @Test(arguments: [(DType.f32, 0.3166), (.bf16, 0.059)])
  func `rows that did not move cost nearly nothing`(element: DType, bound: Double) throws {
    var data = CodecData(seed: Self.seed)
    let base = data.weights(count)
    var child = data.trained(base, scale: 1e-3)
    for row in 0..<count / 256 where row % 5 < 2 {
      child.replaceSubrange(row * 256..<(row + 1) * 256, with: base[row * 256..<(row + 1) * 256])
    }
    #expect(try ratio(child, element, base: base) < bound, "seed \(Self.seed)")
  }

  @Test(arguments: [(DType.f32, 0.0167), (.bf16, 0.0174)])
  func `one value in a hundred costs a hundredth and its place`(
    element: DType, bound: Double
  ) throws {
    var data = CodecData(seed: Self.seed)
    let base = data.weights(count)
    var child = base
    for _ in 0..<count / 100 {
      child[Int.random(in: 0..<count, using: &data.generator)] = data.normal() * 0.05
    }
    #expect(try ratio(child, element, base: base) < bound, "seed \(Self.seed)")
  }

  @Test func `equal to the base costs a header`() throws {
    var data = CodecData(seed: Self.seed)
    let content = data.content(.f32, bytes: 4 * count)
    let encoded = try ChunkCodec.encode(content, .f32, base: content)
    #expect(encoded.record.count == 8 + 2)
    #expect(encoded.usesBase)
  }

  @Test func `one repeated value costs a header and the value`() throws {
    let content = CodecData.encode([Double](repeating: 0.25, count: count), .f32)
    let encoded = try ChunkCodec.encode(content, .f32)
    #expect(encoded.record == [2, 1, 4, 0, 0, 0, 4, 0, 0, 0, 0x80, 0x3e])
  }

  @Test(arguments: [(DType.f32, 0.968), (.bf16, 0.793)])
  func `groups by the base's exponent make a fine-tune smaller`(
    element: DType, share: Double
  ) throws {
    var data = CodecData(seed: Self.seed)
    let base = data.weights(count)
    let child = data.trained(base, scale: 1e-3)
    let bytes = (CodecData.encode(child, element), CodecData.encode(base, element))
    let grouped = try ChunkCodec.encode(bytes.0, element, base: bytes.1)
    var reference = CodecReference(grouped.record)
    #expect(try reference.content(base: bytes.1) == bytes.0)
    #expect(reference.features.contains("groups"))
    // What each plane would cost as one group.
    let split = SplitTwin(
      bytes.0, bytes.1, width: element.sizeBytes, mapping: 3, shift: 0)
    let plain = split.planes.reduce(0) { sum, plane in
      let bitmap = BitmapTwin.bitmap(plane)
      let nonzeros = plane.filter { $0 != 0 }
      let dense = DeflateTwin.stream(of: plane, runs: [plane.count])
      let sparse = DeflateTwin.stream(
        of: bitmap + nonzeros, runs: [bitmap.count, nonzeros.count])
      return sum + min(plane.count, dense.count, sparse.count)
    }
    #expect(Double(grouped.record.count) / Double(plain) < share, "seed \(Self.seed)")
  }

  @Test func `an unrelated base is not used`() throws {
    var data = CodecData(seed: Self.seed)
    let base = data.content(.f32, bytes: 4 * count)
    let content = data.content(.f32, bytes: 4 * count)
    let encoded = try ChunkCodec.encode(content, .f32, base: base)
    #expect(!encoded.usesBase)
    #expect(try encoded.record == ChunkCodec.encode(content, .f32).record)
  }

  @Test func `random bytes cost a header`() throws {
    var data = CodecData(seed: Self.seed)
    let content = data.bytes(4 * count)
    for element in DType.allCases + [nil] {
      #expect(try ChunkCodec.encode(content, element).record.count <= content.count + 8)
    }
  }

  @Test func `text is deflated and a count of positions shrinks`() throws {
    let text = Array((0..<5000).map { "token \($0): {\"id\": \($0 % 97)}\n" }.joined().utf8)
    #expect(try ChunkCodec.encode(text, nil).record.count * 6 < text.count)
    let positions = CodecData.encode((0..<512).map { Double($0) / 1000 }, .i64)
    #expect(try ChunkCodec.encode(positions, .i64).record.count * 6 < positions.count)
  }
}
