import CKernels
import Support
import Testing
import Weights

@Suite struct PredictionTests {
  private static let floats = DType.allCases.filter(\.isFloat)
  private static let seed: UInt64 = 11

  /// Patterns of a type: all of a narrow one; of a wide one random ones, what is near to those of
  /// narrower types, and what is special.
  private func patterns(_ element: DType) -> [UInt8] {
    if element.sizeBytes < 4 {
      return (0..<1 << (8 * element.sizeBytes))
        .flatMap { littleEndian(UInt64($0), size: element.sizeBytes) }
    }
    var data = CodecData(seed: Self.seed)
    var patterns = (0..<20_000).map { _ in UInt64.random(in: .min ... .max, using: &data.generator)
    }
    for narrow in Self.floats where narrow.sizeBytes < element.sizeBytes {
      for _ in 0..<4000 {
        let pattern = UInt64.random(in: .min ... .max, using: &data.generator)
        let size = UInt64(8 * narrow.sizeBytes)
        let near = PredictionTwin.cast(
          size < 64 ? pattern & (1 << size - 1) : pattern, from: narrow, to: element)
        // Halves of a last place, and what is just beside them.
        let half: UInt64 = 1 << UInt64.random(in: 8..<53, using: &data.generator)
        patterns += [near, near ^ half, (near ^ half) &+ 1, (near ^ half) &- 1]
      }
    }
    return patterns.flatMap { littleEndian($0, size: element.sizeBytes) }
  }

  @Test(arguments: floats, floats)
  func `every level casts as the twin casts`(source: DType, target: DType) {
    let bytes = patterns(source)
    let twin = PredictionTwin.cast(bytes, from: source, to: target)
    for kernels in PredictionKernels.all {
      let all = bytes.count / source.sizeBytes
      for count in [all, 0, 1, 7, 255, 257] where count <= all {
        var out = [UInt8](repeating: 0xa5, count: count * target.sizeBytes + 1)
        kernels.functions.cast(
          Int32(source.rawValue), Int32(target.rawValue), bytes, count, &out)
        let wrong = zip(out.dropLast(), twin).enumerated().first { $0.element.0 != $0.element.1 }
        #expect(wrong?.offset == nil, "\(kernels.name), \(count) elements")
        #expect(out.last == 0xa5)
      }
    }
  }

  @Test func `the twin casts as Swift does, and as bits are rounded by hand`() {
    var data = CodecData(seed: Self.seed)
    for _ in 0..<20_000 {
      let wide = Double(bitPattern: .random(in: .min ... .max, using: &data.generator))
      if !wide.isNaN {
        let cast = PredictionTwin.cast(wide.bitPattern, from: .f64, to: .f32)
        #expect(cast == UInt64(Float(wide).bitPattern))
      }
      let single = Float(bitPattern: .random(in: .min ... .max, using: &data.generator))
      guard !single.isNaN else { continue }
      let bits = single.bitPattern
      let rounded = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
      #expect(PredictionTwin.cast(UInt64(bits), from: .f32, to: .bf16) == UInt64(rounded))
      #expect(
        PredictionTwin.cast(UInt64(bits), from: .f32, to: .f64) == Double(single).bitPattern)
    }
    // 65504 is the largest F16; from 65520 on the nearest is infinite. F8_E4M3 ends at 448.
    let cases: [(Float, DType, UInt64)] = [
      (65519, .f16, 0x7bff), (65520, .f16, 0x7c00), (1e-8, .f16, 0), (-1e-7, .f16, 0x8002),
      (1e9, .f8E4M3, 0x7e), (-.infinity, .f8E4M3, 0xfe), (61439, .f8E5M2, 0x7b),
      (61440, .f8E5M2, 0x7c),
    ]
    for (value, target, pattern) in cases {
      #expect(PredictionTwin.cast(UInt64(value.bitPattern), from: .f32, to: target) == pattern)
    }
  }

  /// Factors of which some values are not finite.
  private func factor(_ count: Int, _ data: inout CodecData) -> [Float] {
    (0..<count).map { _ in
      switch Int.random(in: 0..<200, using: &data.generator) {
      case 0: .infinity
      case 1: .nan
      case 2: .greatestFiniteMagnitude
      case 3: .leastNonzeroMagnitude
      default: Float(0.1 * data.normal())
      }
    }
  }

  @Test(arguments: floats, [(1, 1, 0), (1, 5, 2), (3, 40, 39), (8, 384, 100), (64, 70, 0)])
  func `every level adds a product as the twin does`(target: DType, size: (Int, Int, Int)) throws {
    let (rank, columns, firstColumn) = size
    var data = CodecData(seed: Self.seed + UInt64(rank))
    for source in [target, .f32, .bf16] {
      for count in [1, 2, 300, 1025] {
        var base =
          Bool.random(using: &data.generator)
          ? data.bytes(count * source.sizeBytes)
          : data.content(source, bytes: count * source.sizeBytes)
        // Some are 0, some −0.
        for index in stride(from: 1, to: count, by: 3) {
          let sign: UInt64 = index % 2 == 0 ? 0 : 0x80 << UInt64(8 * source.sizeBytes - 8)
          base.replaceSubrange(
            index * source.sizeBytes..<(index + 1) * source.sizeBytes,
            with: littleEndian(sign, size: source.sizeBytes))
        }
        let rows = (firstColumn + count + columns - 1) / columns
        let product = Prediction.LowRank(
          cast: .init(from: source, to: target), rank: rank, columns: columns,
          firstColumn: firstColumn, rowFactor: factor(rows * rank, &data),
          keepsZeros: Bool.random(using: &data.generator))
        let columnFactor = factor(rank * columns, &data)
        let twin = PredictionTwin.addProduct(product, columnFactor, to: base)
        for kernels in PredictionKernels.all {
          let predicted = try predict(
            .lowRank(product), base, columnFactor, length: count * target.sizeBytes, kernels)
          let isSame = predicted == twin
          #expect(isSame, "\(kernels.name) \(source) seed \(Self.seed)")
        }
      }
    }
  }

  private func predict(
    _ prediction: Prediction, _ base: [UInt8], _ factor: [Float], length: Int,
    _ kernels: PredictionKernels = .best
  ) throws -> [UInt8] {
    try base.withUnsafeBytes { base in
      try factor.withUnsafeBytes { factor in
        try prediction.base(of: base, factor: factor, length: length, kernels: kernels)
      }
    }
  }

  @Test func `a base is taken from its start and continued with zeros`() throws {
    let base = CodecData.encode([1, 2, 3], .f32)
    let cast = Prediction.cast(.init(from: .f32, to: .f64, start: 2))
    let three = CodecData.encode([3], .f64)
    #expect(try predict(cast, base, [], length: 20) == three + [UInt8](repeating: 0, count: 12))
    let far = Prediction.cast(.init(from: .f32, to: .f64, start: 200))
    #expect(try predict(far, base, [], length: 8) == [UInt8](repeating: 0, count: 8))
  }

  @Test func `sums of eight running sums are the same on every level`() {
    var data = CodecData(seed: Self.seed)
    for count in [0, 1, 7, 8, 9, 255, 256, 700] {
      let (x, y, w) = (data.weights(count), data.weights(count), data.weights(count))
      let rows = data.weights(3 * (count + 1))
      let twin = dotTwin(x, y)
      for kernels in PredictionKernels.all {
        #expect(kernels.functions.dot(x, y, count).bitPattern == twin.bitPattern)
        var scaled = y
        kernels.functions.add_scaled(0.3, x, count, &scaled)
        #expect(scaled.elementsEqual(zip(x, y).map { $1 + 0.3 * $0 }))
        var squares = [Double](repeating: 0, count: 9)
        var products = [Double](repeating: 0, count: 3)
        kernels.functions.normal_equations(rows, 3, count + 1, w, y, count, &squares, &products)
        for k in 0..<3 {
          let row = rows[k * (count + 1)..<k * (count + 1) + count]
          let weighted = zip(w, row).map { $0 * $1 }
          #expect(products[k].bitPattern == blockedTwin(weighted, y).bitPattern)
          for l in 0...k {
            let other = Array(rows[l * (count + 1)..<l * (count + 1) + count])
            #expect(squares[k * 3 + l].bitPattern == blockedTwin(weighted, other).bitPattern)
          }
        }
      }
    }
  }

  private func dotTwin(_ x: [Double], _ y: [Double]) -> Double {
    var lanes = [Double](repeating: 0, count: 8)
    for (index, (x, y)) in zip(x, y).enumerated() { lanes[index % 8] += x * y }
    let four = (0..<4).map { lanes[$0] + lanes[$0 + 4] }
    return (four[0] + four[2]) + (four[1] + four[3])
  }

  /// The sum of the sums of 256 each.
  private func blockedTwin(_ x: [Double], _ y: [Double]) -> Double {
    stride(from: 0, to: x.count, by: 256).reduce(0) { sum, start in
      let end = min(start + 256, x.count)
      return sum + dotTwin(Array(x[start..<end]), Array(y[start..<end]))
    }
  }
}
