import Foundation
import Support
import Testing
import Weights

@Suite struct MomentsTests {
  private static let seed: UInt64 = 13

  private func moments(
    _ a: [Double], _ elementA: DType, _ b: [Double], _ elementB: DType
  ) -> Moments {
    var moments = Moments()
    CodecData.encode(a, elementA).withUnsafeBytes { a in
      CodecData.encode(b, elementB).withUnsafeBytes { moments.add(a, elementA, $0, elementB) }
    }
    return moments
  }

  private func onGrid(_ values: [Double], _ grid: Double) -> [Double] {
    values.map { ($0 / grid).rounded() * grid }
  }

  private func moments(_ a: [Double], _ b: [Double]) -> Moments { moments(a, .f64, b, .f64) }

  @Test func `a tensor is at distance 0 from itself and correlates by 1`() throws {
    var data = CodecData(seed: Self.seed)
    let values = data.weights(5000)
    for element in [DType.f64, .f32, .bf16, .f16, .f8E4M3] {
      let same = moments(values, element, values, element)
      #expect(same.count == 5000)
      #expect(same.relativeL2 == 0)
      #expect(try abs(#require(same.correlation) - 1) < 1e-12)
    }
  }

  @Test func `sums are within the bound of a plain sum`() {
    var data = CodecData(seed: Self.seed)
    for count in [1, 7, 2048, 2049, 10_000] {
      let a = data.weights(count)
      let b = data.trained(a, scale: 0.1)
      let found = moments(a, b)
      // Design §4: 2·k·ε·Σ|a·b|, k the number of terms.
      let products = zip(a, b).map(*)
      let bound = 2 * Double(count) * Double.ulpOfOne * products.reduce(0) { $0 + abs($1) }
      let sumAB = found.spreadAB + Double(found.count) * found.meanA * found.meanB
      // The mean's product goes out and in again: one rounding more each.
      #expect(abs(sumAB - products.reduce(0, +)) <= 2 * bound, "seed \(Self.seed)")
      let squares = zip(a, b).map { ($0 - $1) * ($0 - $1) }
      let sum = squares.reduce(0, +)
      #expect(abs(found.sumDD - sum) <= 2 * Double(count) * Double.ulpOfOne * sum)
      #expect(abs(found.relativeL2 - (sum / found.sumBB).squareRoot()) < 1e-12)
    }
  }

  @Test func `a tensor compares with itself in a narrower type`() throws {
    var data = CodecData(seed: Self.seed)
    let values = data.weights(4096)
    let found = moments(values, .f32, values, .bf16)
    #expect(found.relativeL2 > 0)
    #expect(found.relativeL2 < 0.004)  // half a unit of the 8-bit significand
    #expect(try #require(found.correlation) > 0.9999)
  }

  @Test func `unrelated and opposite tensors show it`() throws {
    var data = CodecData(seed: Self.seed)
    let a = data.weights(10_000)
    let b = data.weights(10_000)
    #expect(try abs(#require(moments(a, b).correlation)) < 0.05)
    #expect(try #require(moments(a, a.map { -$0 }).correlation) == -1)
  }

  @Test func `constant and empty tensors have no correlation`() {
    var data = CodecData(seed: Self.seed)
    let constant = [Double](repeating: 0.1, count: 3000)
    #expect(moments(data.weights(3000), constant).correlation == nil)
    #expect(moments([], []).correlation == nil)
    #expect(moments([], []).relativeL2 == 0)
    #expect(moments([1], [0]).relativeL2 == .infinity)
  }

  @Test(arguments: [1e3, -1e6, 1e9, 1e12]) func `a spread far from zero is not rounded away`(
    _ offset: Double
  ) throws {
    var data = CodecData(seed: Self.seed)
    let a = data.weights(5000)
    let b = data.trained(a, scale: 0.1)
    // Rounded to a grid that the offset keeps, both pairs have the same correlation.
    let grid = offset.ulp
    let (fineA, fineB) = (onGrid(a, grid), onGrid(b, grid))
    let near = try #require(moments(fineA, fineB).correlation)
    let far = try #require(
      moments(fineA.map { $0 + offset }, fineB.map { $0 + offset }).correlation)
    // A mean of a block is rounded to the grid, beside a deviation of 0.05.
    #expect(abs(near - far) < 1e-12 + grid / 0.05)
  }

  @Test func `parts around other means have the correlation of the whole`() throws {
    var data = CodecData(seed: Self.seed)
    let a = data.weights(6000)
    let b = data.trained(a, scale: 0.1)
    func shifted(_ values: [Double]) -> [Double] {
      values.enumerated().map { $1 + Double($0 / 2048) * 1000 }
    }
    let (x, y) = (shifted(a), shifted(b))
    let found = try #require(moments(x, y).correlation)
    let (meanX, meanY) = (x.reduce(0, +) / 6000, y.reduce(0, +) / 6000)
    let products = zip(x, y).map { ($0 - meanX) * ($1 - meanY) }.reduce(0, +)
    let squaresX = x.map { ($0 - meanX) * ($0 - meanX) }.reduce(0, +)
    let squaresY = y.map { ($0 - meanY) * ($0 - meanY) }.reduce(0, +)
    #expect(abs(found - products / (squaresX * squaresY).squareRoot()) < 1e-12)
  }

  @Test func `squares beyond a Double have no correlation`() {
    #expect(moments([1e200, 2e200, 3e200], [1, 2, 3]).correlation == nil)
    var data = CodecData(seed: Self.seed)
    var sum = moments(data.weights(3000), data.weights(3000))
    sum.add(moments([1e200, 2e200], [1, 2]))
    #expect(sum.correlation == nil)
  }

  @Test func `NaN and infinity are counted and left out`() {
    let found = moments([1, .nan, 2, .infinity], [1, 5, -.infinity, .nan])
    #expect(found.count == 1)
    #expect(found.nonfiniteA == 2)
    #expect(found.nonfiniteB == 2)
    #expect(found.meanA == 1)
    #expect(found.sumDD == 0)
  }

  @Test func `moments of pieces add up`() {
    var data = CodecData(seed: Self.seed)
    let a = data.weights(4096)
    let b = data.weights(4096)
    var sum = moments(Array(a[..<2048]), Array(b[..<2048]))
    sum.add(moments(Array(a[2048...]), Array(b[2048...])))
    #expect(sum == moments(a, b))
  }
}
