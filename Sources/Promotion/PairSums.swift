import CKernels

/// Sums in Double over pairs of finite values, from which Pearson's correlation follows.
struct PairSums {
  /// Pairs in the sums.
  private(set) var count = 0.0
  private var left = 0.0
  private var right = 0.0
  private var leftSquares = 0.0
  private var rightSquares = 0.0
  private var products = 0.0

  /// Starts with no pairs.
  init() {}

  /// Takes what the kernel has summed.
  init(_ sums: ckernels_sums) {
    count = Double(sums.count)
    left = sums.sum_a
    right = sums.sum_b
    leftSquares = sums.sum_aa
    rightSquares = sums.sum_bb
    products = sums.sum_ab
  }

  /// Adds the sums of other pairs.
  mutating func add(_ other: PairSums) {
    count += other.count
    left += other.left
    right += other.right
    leftSquares += other.leftSquares
    rightSquares += other.rightSquares
    products += other.products
  }

  /// Pearson's correlation of all pairs; nil when there are none or a side has no variance.
  var correlation: Double? {
    guard count > 0 else { return nil }
    let leftVariance = leftSquares - left * (left / count)
    let rightVariance = rightSquares - right * (right / count)
    guard leftVariance > 0, rightVariance > 0 else { return nil }
    let covariance = products - left * (right / count)
    return covariance / (leftVariance.squareRoot() * rightVariance.squareRoot())
  }
}
