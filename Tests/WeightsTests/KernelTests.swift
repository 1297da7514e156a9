import CKernels
import Support
import Testing
import Weights

@Suite struct KernelTests {
  private let seed: UInt64 = 7

  private func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  @Test(arguments: [DType.f16, .bf16, .f8E4M3, .f8E5M2])
  func `every narrow float converts to its value`(element: DType) {
    let size = element.sizeBytes
    let patterns = Array(0..<1 << (8 * size))
    let data = patterns.flatMap { littleEndian(UInt64($0), size: size) }
    var values = [Double](repeating: 0, count: patterns.count)
    ckernels_to_double(Int32(element.rawValue), data, patterns.count, &values)
    let layouts: [DType: (Int, Int)] = [
      .f16: (5, 10), .bf16: (8, 7), .f8E4M3: (4, 3), .f8E5M2: (5, 2),
    ]
    let (exponent, fraction) = layouts[element] ?? (0, 0)
    let wrong = patterns.filter { bits in
      let twin = narrowFloat(
        bits, exponentBits: exponent, fractionBits: fraction, hasInfinity: element != .f8E4M3)
      return twin.isNaN ? !values[bits].isNaN : twin.bitPattern != values[bits].bitPattern
    }
    #expect(wrong.isEmpty)
  }

  @Test func `wide elements convert as Swift converts them`() {
    var generator = SeededGenerator(seed: seed)
    let data = bytes(8 * 64, &generator)
    func values(_ element: DType) -> [Double] {
      var values = [Double](repeating: 0, count: data.count / element.sizeBytes)
      ckernels_to_double(Int32(element.rawValue), data, values.count, &values)
      return values
    }
    func words(_ width: Int) -> [UInt64] {
      (0..<data.count / width).map { word(data, $0, width) }
    }
    func same(_ a: [Double], _ b: [Double]) -> Bool {
      a.count == b.count
        && zip(a, b).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
    }
    #expect(same(values(.f64), words(8).map { Double(bitPattern: $0) }))
    #expect(same(values(.f32), words(4).map { Double(Float(bitPattern: UInt32($0))) }))
    #expect(same(values(.u64), words(8).map { Double($0) }))
    #expect(same(values(.i64), words(8).map { Double(Int64(bitPattern: $0)) }))
    #expect(same(values(.u32), words(4).map { Double($0) }))
    #expect(same(values(.i32), words(4).map { Double(Int32(truncatingIfNeeded: $0)) }))
    #expect(same(values(.u16), words(2).map { Double($0) }))
    #expect(same(values(.i16), words(2).map { Double(Int16(truncatingIfNeeded: $0)) }))
    #expect(same(values(.u8), words(1).map { Double($0) }))
    #expect(same(values(.i8), words(1).map { Double(Int8(truncatingIfNeeded: $0)) }))
    #expect(same(values(.bool), words(1).map { Double($0) }))
  }

  @Test func `moments have the twin's bits, whatever is not finite`() {
    var generator = SeededGenerator(seed: seed)
    let specials = [Double.nan, .infinity, -.infinity, -0.0]
    for count in [0, 1, 7, 8, 9, 100, 2048] {
      func values() -> [Double] {
        (0..<count).map { _ in
          Int.random(in: 0..<10, using: &generator) == 0
            ? specials[Int.random(in: 0..<4, using: &generator)]
            : Double.random(in: -3...3, using: &generator)
        }
      }
      let a = values()
      let b = values()
      var sums = ckernels_sums()
      ckernels_moments(a, b, count, &sums)
      let twin = MomentsTwin(a, b)
      #expect(Int(sums.count) == twin.count, "seed \(seed)")
      #expect(Int(sums.nonfinite_a) == twin.nonfiniteA, "seed \(seed)")
      #expect(Int(sums.nonfinite_b) == twin.nonfiniteB, "seed \(seed)")
      let bits = [
        sums.sum_a, sums.sum_b, sums.sum_aa, sums.sum_bb, sums.sum_ab, sums.sum_dd,
      ].map(\.bitPattern)
      #expect(bits == twin.sums.map(\.bitPattern), "seed \(seed)")
    }
  }
}
