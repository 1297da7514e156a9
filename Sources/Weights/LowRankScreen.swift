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

  private let limit: Int
  private let width: Int
  private var rows: [Double] = []
  /// The mean square of what rounding does to the sample.
  private var noise = 0.0

  private var rowCount: Int { rows.count / width }

  /// Takes the sample from the whole rows of a part, as far as they differ at all.
  init?(_ matrix: LowRankMatrix, _ part: LowRankMatrix.Part, _ kernels: ckernels_prediction) {
    let whole = matrix.wholeRows(of: part)
    limit = min(matrix.rankLimit, whole.count - 8, matrix.columns - 8)
    guard limit > 0 else { return nil }
    let wanted = limit + 8
    width = min((wanted + 7) / 8 * 8, matrix.columns / 8 * 8)
    guard width > 0 else { return nil }
    // Twice as many rows are looked at: those of tokens that were not seen have not moved.
    let tried = min(whole.count, 2 * wanted)
    var weights = [Double](repeating: 0, count: width)
    var row = weights
    rows.reserveCapacity(wanted * width)
    for index in 0..<tried where rowCount < wanted {
      let first = whole.firstElement + index * whole.count / tried * matrix.columns
      take(first, matrix, part, &row, &weights, kernels)
    }
  }

  /// Takes one row, by the place of its first element.
  private mutating func take(
    _ first: Int, _ matrix: LowRankMatrix, _ part: LowRankMatrix.Part, _ row: inout [Double],
    _ weights: inout [Double], _ kernels: ckernels_prediction
  ) {
    row.withUnsafeMutableBufferPointer { row in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let row = row.baseAddress, let weights = weights.baseAddress else { return }
        for start in stride(from: 0, to: width, by: Self.runColumns) {
          let size = min(Self.runColumns, width - start)
          let last = max(1, width - Self.runColumns)
          let column = min(start, last) * (matrix.columns - size) / last
          matrix.differences(
            part, first + column..<first + column + size, into: row + start,
            weights: weights + start, kernels)
        }
      }
    }
    guard row.withUnsafeBufferPointer({ $0.contains { $0 != 0 } }) else { return }
    rows += row
    guard rowCount <= Self.noiseRows else { return }
    let inverses = weights.reduce(0) { $1 > 0 ? $0 + 1 / $1 : $0 }
    noise += (inverses / Double(6 * width) - noise) / Double(rowCount)
  }

  /// About the rank of the difference; nil when it is high, or as small as what rounding does.
  consuming func rank(_ kernels: ckernels_prediction) -> Int? {
    let limit = min(limit, rowCount - 8)
    guard limit > 0, noise > 0 else { return nil }
    let count = rowCount
    let width = width
    let noise = noise * Self.noiseFactor
    let squares = rows.withUnsafeBufferPointer { rows in
      rows.baseAddress.map { kernels.dot($0, $0, rows.count) } ?? 0
    }
    guard squares > Self.signalFactor * noise * Double(rows.count) else { return nil }
    let found = rows.withUnsafeMutableBufferPointer { rows in
      rows.baseAddress.map { kernels.rank($0, count, width, limit, noise) }
    }
    guard let found, found > 0, found <= limit else { return nil }
    return found
  }
}
