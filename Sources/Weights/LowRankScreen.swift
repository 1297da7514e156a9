import CKernels

/// A look at a few dozen rows and columns: most matrices have no low rank, and that must be cheap.
struct LowRankScreen {
  /// What is left counts as noise when its mean square is so many times that of rounding.
  private static let noiseFactor = 16.0
  /// A difference must be so much more than what is left of it: else rounding made most of it.
  private static let signalFactor = 16.0
  /// Columns are taken in runs of so many.
  private static let runColumns = 24
  /// From so many rows it is told what rounding does.
  private static let noiseRows = 4

  /// Of a matrix with unknown values more rows and columns are looked at: about so many.
  private static let maskedSide = 128

  private let limit: Int
  private let width: Int
  private var rows: LowRankRows
  /// The mean square of what rounding does to the sample.
  private var noise = 0.0

  /// Whether all values of the sample say something.
  var isComplete: Bool { rows.isComplete }

  /// Takes the sample from the whole rows of a part, as far as they differ at all.
  init?(
    _ matrix: LowRankMatrix, _ part: LowRankMatrix.Part, _ kernels: ckernels_prediction,
    ofMask: Bool = false
  ) {
    let whole = matrix.wholeRows(of: part)
    limit = min(matrix.rankLimit, whole.count - 8, matrix.columns - 8)
    guard limit > 0 else { return nil }
    let wanted = ofMask ? Self.maskedSide : limit + 8
    width = min((wanted + 7) / 8 * 8, matrix.columns / 8 * 8)
    guard width > 0 else { return nil }
    rows = LowRankRows(columns: width, kernels)
    // Twice as many rows are looked at: those of tokens that were not seen have not moved.
    let tried = min(whole.count, 2 * wanted)
    for index in 0..<tried where rows.count < wanted {
      let first = whole.firstElement + index * whole.count / tried * matrix.columns
      take(first, matrix, part, kernels)
    }
  }

  /// Takes one row, by the place of its first element.
  private mutating func take(
    _ first: Int, _ matrix: LowRankMatrix, _ part: LowRankMatrix.Part,
    _ kernels: ckernels_prediction
  ) {
    let (before, width) = (rows.count, width)
    rows.append(1) { row, weights in
      for start in stride(from: 0, to: width, by: Self.runColumns) {
        let size = min(Self.runColumns, width - start)
        let last = max(1, width - Self.runColumns)
        let column = min(start, last) * (matrix.columns - size) / last
        matrix.differences(
          part, first + column..<first + column + size, into: row + start,
          weights: weights + start, kernels)
      }
    }
    rows.dropLastIfZero()
    guard rows.count > before, rows.count <= Self.noiseRows else { return }
    let inverses = rows.weights.suffix(width).reduce(0) { $1 > 0 ? $0 + 1 / $1 : $0 }
    noise += (inverses / Double(6 * width) - noise) / Double(rows.count)
  }

  /// Whether more differs than rounding does.
  private func isSignal(_ kernels: ckernels_prediction) -> Bool {
    let squares = kernels.dot(rows.values, rows.values, rows.values.count)
    let expected = noise * Self.noiseFactor * Double(rows.values.count)
    return noise > 0 && squares > Self.signalFactor * expected
  }

  /// About the rank of the difference; nil when it is high, or as small as what rounding does.
  func rank(_ kernels: ckernels_prediction) -> Int? {
    let limit = min(limit, rows.count - 8)
    guard limit > 0, isSignal(kernels) else { return nil }
    var values = rows.values
    let found = kernels.rank(&values, rows.count, width, limit, noise * Self.noiseFactor)
    return found > 0 && found <= limit ? found : nil
  }

  /// The same where some values are not known; nil too when those that are would fit any factors.
  func rankOfKnown(_ kernels: ckernels_prediction) -> Int? {
    let half = rows.weights.count { $0 > 0 } / 2
    let limit = (0...limit).last { $0 * (rows.count + width - $0) <= half } ?? 0
    guard limit > 0, isSignal(kernels) else { return nil }
    return rows.fitted(tried: min(limit, rows.count))?.rank
  }
}
