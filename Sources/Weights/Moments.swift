import CKernels

/// Sums over the pairs of elements of two tensors, from which distances and correlations follow.
///
/// All sums are Double, in an order that only the calls of `add` determine. A pair in which either
/// number is NaN or infinite is left out of every sum and counted apart.
package struct Moments: Sendable, Equatable {
  /// The number of pairs in the sums.
  package private(set) var count = 0
  /// The NaNs and infinities of the first tensor.
  package private(set) var nonfiniteA = 0
  /// The NaNs and infinities of the second tensor.
  package private(set) var nonfiniteB = 0
  /// The sum of a.
  package private(set) var sumA = 0.0
  /// The sum of b.
  package private(set) var sumB = 0.0
  /// The sum of a².
  package private(set) var sumAA = 0.0
  /// The sum of b².
  package private(set) var sumBB = 0.0
  /// The sum of a·b.
  package private(set) var sumAB = 0.0
  /// The sum of (a − b)².
  package private(set) var sumDD = 0.0

  /// Starts with no pair.
  package init() {}

  /// Adds as many pairs as both pieces have whole elements.
  package mutating func add(
    _ a: UnsafeRawBufferPointer, _ elementA: DType, _ b: UnsafeRawBufferPointer, _ elementB: DType
  ) {
    let pairs = min(a.count / elementA.sizeBytes, b.count / elementB.sizeBytes)
    let block = 2048  // two blocks of doubles stay in the first-level cache
    var doublesA = [Double](repeating: 0, count: block)
    var doublesB = doublesA
    for start in stride(from: 0, to: pairs, by: block) {
      let size = min(block, pairs - start)
      Self.convert(a, elementA, from: start, count: size, into: &doublesA)
      Self.convert(b, elementB, from: start, count: size, into: &doublesB)
      var sums = ckernels_sums()
      ckernels_moments(doublesA, doublesB, size, &sums)
      add(sums)
    }
  }

  /// Adds pairs that were summed elsewhere.
  package mutating func add(_ other: Moments) {
    count += other.count
    nonfiniteA += other.nonfiniteA
    nonfiniteB += other.nonfiniteB
    sumA += other.sumA
    sumB += other.sumB
    sumAA += other.sumAA
    sumBB += other.sumBB
    sumAB += other.sumAB
    sumDD += other.sumDD
  }

  /// The length of a − b over that of b: 0 for equal tensors, infinite when only b is zero.
  package var relativeL2: Double { sumDD == 0 ? 0 : (sumDD / sumBB).squareRoot() }

  /// Pearson's correlation; nil when either side is constant or no pair is finite.
  package var correlation: Double? {
    let n = Double(count)
    let varianceA = n * sumAA - sumA * sumA
    let varianceB = n * sumBB - sumB * sumB
    // What rounding leaves of a constant tensor's variance is below this.
    let rounding = 1e-12 * n
    guard varianceA > rounding * sumAA, varianceB > rounding * sumBB else { return nil }
    let value = (n * sumAB - sumA * sumB) / (varianceA.squareRoot() * varianceB.squareRoot())
    return min(1, max(-1, value))
  }

  private static func convert(
    _ bytes: UnsafeRawBufferPointer, _ element: DType, from start: Int, count: Int,
    into doubles: inout [Double]
  ) {
    let first = start * element.sizeBytes
    let piece = UnsafeRawBufferPointer(rebasing: bytes[first..<first + count * element.sizeBytes])
    ckernels_to_double(Int32(element.rawValue), piece.baseOfBytes, count, &doubles)
  }

  private mutating func add(_ sums: ckernels_sums) {
    count += Int(sums.count)
    nonfiniteA += Int(sums.nonfinite_a)
    nonfiniteB += Int(sums.nonfinite_b)
    sumA += sums.sum_a
    sumB += sums.sum_b
    sumAA += sums.sum_aa
    sumBB += sums.sum_bb
    sumAB += sums.sum_ab
    sumDD += sums.sum_dd
  }
}
