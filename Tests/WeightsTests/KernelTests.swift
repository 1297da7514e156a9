import CKernels
import Support
import Testing
import Weights

@Suite struct KernelTests {
  private let seed: UInt64 = 7

  private func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }

  @Test(arguments: [1, 2, 4, 8], 0...4)
  func `splitting agrees with its twin and merging undoes it`(width: Int, mapping: Int) {
    var generator = SeededGenerator(seed: seed)
    for count in [0, 1, 2, 7, 31, 64, 65, 1000] {
      let content = bytes(count * width, &generator)
      let base = bytes(count * width, &generator)
      var planes = [UInt8](repeating: 0xaa, count: count * width)
      ckernels_split(Int32(width), Int32(mapping), content, base, count, &planes)
      #expect(planes == planesTwin(content, base, width: width, mapping: mapping), "seed \(seed)")
      var merged = [UInt8](repeating: 0xaa, count: count * width)
      ckernels_merge(Int32(width), Int32(mapping), planes, base, count, &merged)
      #expect(merged == content, "seed \(seed)")
    }
  }

  @Test(arguments: 0...4)
  func `every 16-bit word maps as the twin maps it`(mapping: Int) {
    let content = (0..<65536).flatMap { littleEndian(UInt64($0), size: 2) }
    for base in [0, 1, 0x3f80, 0x7fff, 0x8000, 0xffff] {
      let bases = (0..<65536).flatMap { _ in littleEndian(UInt64(base), size: 2) }
      var planes = [UInt8](repeating: 0, count: content.count)
      ckernels_split(2, Int32(mapping), content, bases, 65536, &planes)
      #expect(planes == planesTwin(content, bases, width: 2, mapping: mapping), "base \(base)")
    }
  }

  @Test func `a histogram counts every byte`() {
    var generator = SeededGenerator(seed: seed)
    for count in [0, 1, 3, 4, 5, 1001] {
      let data = bytes(count, &generator)
      var counts = [UInt32](repeating: 9, count: 256)
      ckernels_histogram(data, count, &counts)
      let twin = (0...255).map { value in UInt32(data.count { Int($0) == value }) }
      #expect(counts == twin, "seed \(seed)")
    }
  }

  @Test func `bitmap and non-zeros give the bytes back`() {
    var generator = SeededGenerator(seed: seed)
    for count in [0, 1, 7, 8, 9, 63, 64, 65, 1000] {
      for zeroPercent in [0, 50, 97, 100] {
        var data = bytes(count, &generator)
        for index in data.indices where Int.random(in: 0..<100, using: &generator) < zeroPercent {
          data[index] = 0
        }
        var bitmap = [UInt8](repeating: 0xff, count: (count + 7) / 8)
        ckernels_bitmap(data, count, &bitmap)
        let bits: [Bool] = bitmap.flatMap { byte in
          (0..<8).map { (bit: UInt8) -> Bool in (byte >> bit) & 1 == 1 }
        }
        let padding = [Bool](repeating: false, count: bits.count - count)
        #expect(bits == data.map { $0 != 0 } + padding, "seed \(seed)")
        var nonzeros = [UInt8](repeating: 0, count: count)
        let found = ckernels_compact(data, count, &nonzeros)
        #expect(Array(nonzeros[..<found]) == data.filter { $0 != 0 }, "seed \(seed)")
        var expanded = [UInt8](repeating: 0xaa, count: count)
        ckernels_expand(bitmap, Array(nonzeros[..<found]), count, &expanded)
        #expect(expanded == data, "seed \(seed)")
      }
    }
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
