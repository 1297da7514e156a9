import CKernels

/// Moments over the pairs of elements of two tensors, from which distances and correlations follow.
///
/// All are Double, in an order that only the calls of `add` determine. A pair in which either
/// number is NaN or infinite is left out of everything and counted apart. Spreads are summed around
/// means, block by block, and put together by Chan, Golub and LeVeque (1979): however far from zero
/// a tensor lies, its spread is not rounded away, and that of a constant tensor is 0.
package struct Moments: Sendable, Equatable {
  /// The number of pairs.
  package private(set) var count = 0
  /// The NaNs and infinities of the first tensor.
  package private(set) var nonfiniteA = 0
  /// The NaNs and infinities of the second tensor.
  package private(set) var nonfiniteB = 0
  /// The mean of a.
  package private(set) var meanA = 0.0
  /// The mean of b.
  package private(set) var meanB = 0.0
  /// The sum of (a − mean)².
  package private(set) var spreadA = 0.0
  /// The sum of (b − mean)².
  package private(set) var spreadB = 0.0
  /// The sum of (a − mean) · (b − mean).
  package private(set) var spreadAB = 0.0
  /// The sum of b².
  package private(set) var sumBB = 0.0
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
      add(Self.moments(&doublesA, &doublesB, size))
    }
  }

  /// Adds pairs that were summed elsewhere.
  package mutating func add(_ other: Moments) {
    nonfiniteA += other.nonfiniteA
    nonfiniteB += other.nonfiniteB
    sumBB += other.sumBB
    sumDD += other.sumDD
    guard other.count > 0 else { return }
    let total = Double(count + other.count)
    let weight = Double(other.count) / total
    let (stepA, stepB) = (other.meanA - meanA, other.meanB - meanB)
    let pull = count == 0 ? 0 : Double(count) * weight
    meanA = count == 0 ? other.meanA : meanA + stepA * weight
    meanB = count == 0 ? other.meanB : meanB + stepB * weight
    spreadA += other.spreadA + stepA * stepA * pull
    spreadB += other.spreadB + stepB * stepB * pull
    spreadAB += other.spreadAB + stepA * stepB * pull
    count += other.count
  }

  /// The length of a − b over that of b: 0 for equal tensors, infinite when only b is zero.
  package var relativeL2: Double { sumDD == 0 ? 0 : (sumDD / sumBB).squareRoot() }

  /// Pearson's correlation; nil when a side is constant, no pair is finite or squares overflow.
  package var correlation: Double? {
    guard spreadA > 0, spreadB > 0, spreadA.isFinite, spreadB.isFinite, spreadAB.isFinite else {
      return nil
    }
    return min(1, max(-1, spreadAB / (spreadA.squareRoot() * spreadB.squareRoot())))
  }

  private static func convert(
    _ bytes: UnsafeRawBufferPointer, _ element: DType, from start: Int, count: Int,
    into doubles: inout [Double]
  ) {
    let first = start * element.sizeBytes
    let piece = UnsafeRawBufferPointer(rebasing: bytes[first..<first + count * element.sizeBytes])
    ckernels_to_double(Int32(element.rawValue), piece.baseOfBytes, count, &doubles)
  }

  /// The moments of one block; the doubles may be shifted.
  private static func moments(_ a: inout [Double], _ b: inout [Double], _ size: Int) -> Moments {
    var sums = ckernels_sums()
    ckernels_moments(a, b, size, &sums)
    var moments = Moments()
    moments.count = Int(sums.count)
    moments.nonfiniteA = Int(sums.nonfinite_a)
    moments.nonfiniteB = Int(sums.nonfinite_b)
    moments.sumBB = sums.sum_bb
    moments.sumDD = sums.sum_dd
    var shift = (a: 0.0, b: 0.0)
    if sums.isCancelling,
      let first = (0..<size).first(where: { a[$0].isFinite && b[$0].isFinite })
    {
      // Around a member of the block the squares are at most the spread's times the block's size.
      shift = (a[first], b[first])
      for index in 0..<size {
        a[index] -= shift.a
        b[index] -= shift.b
      }
      ckernels_moments(a, b, size, &sums)
    }
    guard sums.count > 0 else { return moments }
    let count = Double(sums.count)
    moments.meanA = shift.a + sums.sum_a / count
    moments.meanB = shift.b + sums.sum_b / count
    moments.spreadA = sums.spreadA
    moments.spreadB = sums.spreadB
    moments.spreadAB = sums.sum_ab - sums.sum_a * sums.sum_b / count
    return moments
  }
}

extension ckernels_sums {
  fileprivate var spreadA: Double { spread(sum_aa, sum_a) }
  fileprivate var spreadB: Double { spread(sum_bb, sum_b) }

  /// Not below 0, to which rounding may lead; what overflows stays not finite.
  private func spread(_ squares: Double, _ sum: Double) -> Double {
    let spread = squares - sum * sum / Double(count)
    return spread < 0 ? 0 : spread
  }

  /// Whether the mean is so far from zero that a spread loses digits.
  fileprivate var isCancelling: Bool {
    count > 0 && (sum_aa > 4096 * spreadA || sum_bb > 4096 * spreadB)
  }
}
