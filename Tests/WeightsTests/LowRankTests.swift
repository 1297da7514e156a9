import Support
import Testing
import Weights

@Suite struct LowRankTests {
  private static let seed: UInt64 = 21

  /// A matrix and its base.
  private struct Pair {
    let rows: Int
    let columns: Int
    let element: DType
    var base: [UInt8]
    var content: [UInt8]

    var matrix: LowRankMatrix? {
      LowRankMatrix(shape: [rows, columns], cast: .init(from: element, to: element))
    }

    /// Calls the body with some of the elements.
    func withPart<Value>(
      _ elements: Range<Int>, _ body: (LowRankMatrix.Part) throws -> Value
    ) rethrows -> Value {
      let bytes = elements.lowerBound * element.sizeBytes..<elements.upperBound * element.sizeBytes
      return try content.withUnsafeBytes { content in
        try base.withUnsafeBytes { base in
          try body(
            .init(
              content: .init(rebasing: content[bytes]), base: .init(rebasing: base[bytes]),
              first: elements.lowerBound))
        }
      }
    }

    /// The same with about so many of a hundred values zero on both sides.
    func pruned(percent: Int) -> Pair {
      var pair = self
      LowRankTests.prune(&pair.base, element, percent: percent)
      LowRankTests.prune(&pair.content, element, percent: percent)
      return pair
    }

    func screen(_ kernels: PredictionKernels = .best) throws -> Int? {
      let search = LowRankSearch(try #require(matrix), kernels: kernels)
      return withPart(0..<rows * columns) { search.screen($0) }
    }

    func factor(_ kernels: PredictionKernels = .best) throws -> LowRankFactor? {
      guard let guess = try screen(kernels) else { return nil }
      var search = LowRankSearch(try #require(matrix), kernels: kernels)
      withPart(0..<rows * columns) { search.add($0, rowsMax: rows) }
      return search.factor(guess: guess)
    }
  }

  /// Makes about so many of a hundred elements zero, always the same.
  private static func prune(_ bytes: inout [UInt8], _ element: DType, percent: Int) {
    var generator = SeededGenerator(seed: seed)
    let size = element.sizeBytes
    for index in 0..<bytes.count / size where Int.random(in: 0..<100, using: &generator) < percent {
      for place in index * size..<(index + 1) * size { bytes[place] = 0 }
    }
  }

  /// A base, and what a product of random factors makes of it, each value rounded once.
  private func pair(
    _ element: DType, rows: Int, columns: Int, rank: Int, scale: Double = 0.3,
    prunedBase percent: Int = 0
  ) -> Pair {
    var data = CodecData(seed: Self.seed + UInt64(rank))
    var base = CodecData.encode(data.weights(rows * columns), element)
    Self.prune(&base, element, percent: percent)
    let product = Prediction.LowRank(
      cast: .init(from: element, to: element), rank: rank, columns: columns, firstColumn: 0,
      rowFactor: data.weights(rows * rank).map { Float(20 * scale * 0.05 * $0) })
    let factor = data.weights(rank * columns).map { Float(20 * $0) }
    let content = PredictionTwin.addProduct(product, factor, to: base)
    return Pair(rows: rows, columns: columns, element: element, base: base, content: content)
  }

  /// The record of some elements, which is decoded again.
  private func recordBytes(
    _ pair: Pair, _ elements: Range<Int>, _ factor: LowRankFactor?
  ) throws -> Int {
    try pair.withPart(elements) { part in
      try (factor?.content ?? []).withUnsafeBytes { bytes in
        let encoded = try ChunkCodec.encode(
          part.content, element: pair.element, base: part.base,
          prediction: factor?.prediction(of: part) ?? .none,
          factor: factor == nil ? nil : bytes)
        var decoded = [UInt8](repeating: 0, count: part.content.count)
        try decoded.withUnsafeMutableBytes { decoded in
          try encoded.record.withUnsafeBytes { record in
            try ChunkCodec.decode(record, into: decoded, base: part.base, factor: bytes)
          }
        }
        let isSame = decoded.elementsEqual(part.content)
        #expect(isSame)
        return encoded.record.count
      }
    }
  }

  /// Looks for factors of a rank, beside which the record of all elements takes less than a part.
  @discardableResult
  private func expectFactor(
    _ pair: Pair, rank: Int, part: Double, _ place: Comment = ""
  ) throws -> LowRankFactor {
    let factor = try #require(try pair.factor(), place)
    #expect(factor.rank == rank, place)
    let plain = try recordBytes(pair, 0..<pair.rows * pair.columns, nil)
    let low = try recordBytes(pair, 0..<pair.rows * pair.columns, factor)
    #expect(Double(low) < part * Double(plain), "\(low) of \(plain) \(place)")
    return factor
  }

  @Test(arguments: [DType.f32, .bf16, .f16, .f64])
  func `a product is found in what was added, and costs a fraction`(element: DType) throws {
    // What is left of F64 are the bits that factors of F32 do not have.
    let part = element == .f64 ? 0.75 : 0.4
    try expectFactor(pair(element, rows: 200, columns: 176, rank: 3), rank: 3, part: part)
  }

  @Test func `a rank above 16 is found where all rows moved`() throws {
    try expectFactor(pair(.f32, rows: 420, columns: 400, rank: 21), rank: 21, part: 1 / 3)
  }

  @Test func `chunks that begin and end inside of rows share a factor`() throws {
    let pair = pair(.f32, rows: 200, columns: 176, rank: 3)
    let factor = try #require(try pair.factor())
    for elements in [0..<10_001, 10_001..<10_003, 10_003..<30_000, 30_000..<35_200] {
      let low = try recordBytes(pair, elements, factor)
      if elements.count > 5000 {
        #expect(low * 2 < (try recordBytes(pair, elements, nil)), "\(elements)")
      }
    }
  }

  @Test(arguments: [DType.f32, .bf16, .f16], [10, 50])
  func `what is pruned on both sides hides no product`(element: DType, percent: Int) throws {
    let pair = pair(element, rows: 240, columns: 176, rank: 3).pruned(percent: percent)
    try expectFactor(pair, rank: 3, part: 0.4)
  }

  @Test func `a rank above 16 is found beside what is pruned`() throws {
    let pair = pair(.f32, rows: 420, columns: 400, rank: 21).pruned(percent: 10)
    try expectFactor(pair, rank: 21, part: 1 / 3)
  }

  @Test func `zeros of the base are kept where the matrix keeps them`() throws {
    let filled = pair(.f32, rows: 200, columns: 176, rank: 3, prunedBase: 10)
    for (pair, keepsZeros) in [(filled, false), (filled.pruned(percent: 10), true)] {
      let factor = try expectFactor(pair, rank: 3, part: 0.5, "\(keepsZeros)")
      let prediction = pair.withPart(0..<200 * 176) { factor.prediction(of: $0) }
      guard case .lowRank(let lowRank) = prediction else {
        Issue.record("another prediction")
        return
      }
      #expect(lowRank.keepsZeros == keepsZeros)
    }
  }

  @Test func `rows and columns of which nothing is known are left out`() throws {
    var pair = pair(.f32, rows: 200, columns: 176, rank: 3)
    let zero = [UInt8](repeating: 0, count: 4)
    for index in 0..<200 * 176 where index / 176 % 7 == 2 || index % 176 % 9 == 4 {
      pair.content.replaceSubrange(index * 4..<index * 4 + 4, with: zero)
      pair.base.replaceSubrange(index * 4..<index * 4 + 4, with: zero)
    }
    try expectFactor(pair, rank: 3, part: 0.5)
  }

  @Test(arguments: [0, 10])
  func `rows and columns that come first and did not move hide no product`(percent: Int) throws {
    // As of an adapter that was merged into the last of three matrices that are kept as one.
    var pair = pair(.f32, rows: 300, columns: 264, rank: 3)
    for index in 0..<300 * 264 where index / 264 < 200 || index % 264 < 88 {
      pair.content.replaceSubrange(
        index * 4..<index * 4 + 4, with: pair.base[index * 4..<index * 4 + 4])
    }
    try expectFactor(pair.pruned(percent: percent), rank: 3, part: 0.2)
  }

  @Test func `a matrix of which next to nothing is known has no factors`() throws {
    let whole = pair(.f32, rows: 200, columns: 176, rank: 3)
    for percent in [95, 99, 100] {
      let pair = whole.pruned(percent: percent)
      #expect(try pair.screen() == nil, "\(percent)")
      var search = LowRankSearch(try #require(pair.matrix))
      pair.withPart(0..<200 * 176) { search.add($0, rowsMax: 200) }
      // Whoever asks for them all the same gets what gives the content back, or none.
      if let factor = search.factor(guess: 3) { _ = try recordBytes(pair, 0..<200 * 176, factor) }
    }
  }

  @Test(arguments: [0, 10, 50])
  func `every level finds the same factors`(percent: Int) throws {
    let pair = pair(.f32, rows: 200, columns: 171, rank: 3).pruned(percent: percent)
    let factors = try PredictionKernels.all.map { kernels in
      let factor = try #require(try pair.factor(kernels))
      return (factor, pair.withPart(7..<2000) { factor.prediction(of: $0, kernels: kernels) })
    }
    let first = try #require(factors.first)
    for other in factors.dropFirst() {
      let isSame = other.0 == first.0 && other.1 == first.1
      #expect(isSame)
    }
    // And predicts the same bytes.
    try pair.withPart(7..<2000) { part in
      try first.0.content.withUnsafeBytes { bytes in
        let predicted = try PredictionKernels.all.map {
          try first.1.base(
            of: part.base, factor: bytes, length: part.content.count, kernels: $0)
        }
        let isSame = predicted.allSatisfy { $0 == predicted[0] }
        #expect(isSame)
      }
    }
  }

  @Test func `what training did has no low rank`() throws {
    var data = CodecData(seed: Self.seed)
    let weights = data.weights(160 * 200)
    for (element, scale) in [(DType.f32, 1e-3), (.f32, 0.5), (.bf16, 1e-3), (.bf16, 0.5)] {
      var pair = Pair(
        rows: 160, columns: 200, element: element, base: CodecData.encode(weights, element),
        content: CodecData.encode(data.trained(weights, scale: scale), element))
      #expect(try pair.screen() == nil, "\(element) \(scale)")
      for percent in [1, 10, 50, 90] {
        #expect(try pair.pruned(percent: percent).screen() == nil, "\(element) \(scale)")
      }
      // Nor when few rows have moved, as those of tokens that were seen.
      let rowBytes = 200 * element.sizeBytes
      for row in 0..<160 where row % 5 != 0 {
        let range = row * rowBytes..<(row + 1) * rowBytes
        pair.content.replaceSubrange(range, with: pair.base[range])
      }
      #expect(try pair.factor() == nil, "\(element) \(scale)")
      pair.content = pair.base
      #expect(try pair.screen() == nil)
      #expect(try pair.pruned(percent: 10).screen() == nil)
    }
  }

  @Test func `vectors and small or impossible shapes are no matrices`() {
    let cast = Prediction.Cast(from: .f32, to: .f32)
    for shape in [[], [4096], [8, 8], [2, 1 << 20], [1 << 40, 1 << 40, 3], [0, 5], [-4, 512]] {
      #expect(LowRankMatrix(shape: shape, cast: cast) == nil, "\(shape)")
    }
    let fitting = LowRankMatrix(shape: [64, 32, 3, 3], cast: cast)
    #expect(fitting?.rows == 64 && fitting?.columns == 288)
  }

  @Test func `values that are no numbers do not spoil what is found`() throws {
    var pair = pair(.f32, rows: 200, columns: 176, rank: 3)
    let special = [Float.nan, .infinity, -0, .leastNonzeroMagnitude]
    for (index, value) in special.enumerated() {
      let bytes = littleEndian(UInt64(value.bitPattern), size: 4)
      pair.content.replaceSubrange(4000 * index..<4000 * index + 4, with: bytes)
      pair.base.replaceSubrange(4000 * index + 400..<4000 * index + 404, with: bytes)
    }
    var search = LowRankSearch(try #require(pair.matrix))
    pair.withPart(0..<200 * 176) { search.add($0, rowsMax: 200) }
    let factor = try #require(search.factor(guess: 3))
    let plain = try recordBytes(pair, 0..<200 * 176, nil)
    #expect(try recordBytes(pair, 0..<200 * 176, factor) < plain)
  }
}
