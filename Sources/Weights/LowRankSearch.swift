import CKernels

/// Finds the column factor of a matrix from rows of all of its parts.
package struct LowRankSearch {
  private static let elementsMax = 1 << 21

  private let matrix: LowRankMatrix
  private let kernels: ckernels_prediction
  private var rows: LowRankRows

  /// The rows that are looked at; some of each part are enough.
  package var rowsWanted: Int { min(matrix.rows, max(1, Self.elementsMax / matrix.columns)) }

  /// Begins a search.
  package init(_ matrix: LowRankMatrix, kernels: PredictionKernels = .best) {
    self.matrix = matrix
    self.kernels = kernels.functions
    rows = LowRankRows(columns: matrix.columns, self.kernels)
  }

  /// About the rank by which a part differs from its base, from a few dozen rows and columns.
  ///
  /// - Returns: Nil when it is not low, or what differs is hardly more than rounding does.
  package func screen(_ part: LowRankMatrix.Part) -> Int? {
    guard let sample = LowRankScreen(matrix, part, kernels) else { return nil }
    if sample.isComplete { return sample.rank(kernels) }
    return LowRankScreen(matrix, part, kernels, ofMask: true)?.rankOfKnown(kernels)
  }

  /// Takes rows of a part, evenly spread, not more than asked for.
  package mutating func add(_ part: LowRankMatrix.Part, rowsMax: Int) {
    let whole = matrix.wholeRows(of: part)
    let count = min(whole.count, rowsMax, rowsWanted - rows.count)
    guard count > 0 else { return }
    let (matrix, kernels) = (matrix, kernels)
    let columns = matrix.columns
    rows.append(count) { values, weights in
      for index in 0..<count {
        let first = whole.firstElement + index * whole.count / count * columns
        let place = index * columns
        matrix.differences(
          part, first..<first + columns, into: values + place, weights: weights + place, kernels)
      }
    }
  }

  /// The factor of the rows that were taken.
  ///
  /// - Parameter guess: About the rank.
  /// - Returns: Nil when their rank is not low.
  package func factor(guess: Int) -> LowRankFactor? {
    let limit = min(matrix.rankLimit, rows.count - 1)
    let tried = min(limit + 4, 2 * guess + 8, rows.count)
    guard limit > 0, tried > 0 else { return nil }
    let first =
      rows.isComplete
      ? rows.principal(tried: tried) : rows.fitted(tried: min(limit, guess + 4))
    guard let first, first.rank <= limit else { return nil }
    let rank = first.rank
    var basis = first.basis
    // A second round gains a little, and of many factors costs a lot.
    for _ in 0..<(rank > 32 ? 1 : 2) { basis = rows.refined(basis, rank) }
    rows.orthonormalize(&basis, rank, matrix.columns)
    let scale = Double(matrix.columns).squareRoot()  // values of the size of 1
    let factor = basis.map { LowRankFactor.rounded($0 * scale, for: matrix.cast.target) }
    return LowRankFactor(matrix: matrix, rank: rank, values: factor)
  }
}
