import CKernels

/// The column factor of a matrix: what all rows of the difference are sums of.
package struct LowRankFactor: Sendable, Equatable {
  /// What it is a factor of.
  package let matrix: LowRankMatrix
  /// The number of its rows.
  package let rank: Int
  /// `rank` rows of the matrix's columns.
  package let values: [Float]

  /// The values' bytes: the content of a chunk.
  package var content: [UInt8] {
    values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
  }

  /// Finds the row factor of a part by weighted least squares, row by row.
  ///
  /// - Parameters:
  ///   - part: A chunk and its base; rows may begin and end in other chunks.
  ///   - kernels: Which loops do the work; all give the same values.
  /// - Returns: What predicts the part.
  package func prediction(
    of part: LowRankMatrix.Part, kernels: PredictionKernels = .best
  ) -> Prediction {
    let columns = matrix.columns
    let count = part.content.count / matrix.cast.target.sizeBytes
    let firstColumn = part.first % columns
    let rowCount = Prediction.LowRank.rowCount(
      columns: columns, firstColumn: firstColumn, elements: count)
    let common = max(0, matrix.elementCount(of: part))
    var solver = WeightedSolver(rank: rank, kernels.functions)
    let basis = values.map(Double.init)
    var differences = [Double](repeating: 0, count: columns)
    var weights = differences
    var keptZeros = 0
    var factor: [Float] = []
    factor.reserveCapacity(rowCount * rank)
    for row in 0..<rowCount {
      let start = max(0, row * columns - firstColumn)
      let end = min((row + 1) * columns - firstColumn, common)
      guard start < end else {
        factor += [Float](repeating: 0, count: rank)
        continue
      }
      let size = end - start
      differences.withUnsafeMutableBufferPointer { differences in
        weights.withUnsafeMutableBufferPointer { weights in
          guard let to = differences.baseAddress, let weights = weights.baseAddress else { return }
          keptZeros += matrix.differences(
            part, start..<end, into: to, weights: weights, kernels.functions)
        }
      }
      let column = row == 0 ? firstColumn : 0
      let solved = solver.solve(
        basis, stride: columns, from: column, differences[..<size], weights[..<size])
      factor += solved.map { Self.rounded($0, for: matrix.cast.target) }
    }
    return .lowRank(
      Prediction.LowRank(
        cast: matrix.cast, rank: rank, columns: columns, firstColumn: firstColumn,
        rowFactor: factor, keepsZeros: keptZeros > 0))
  }

  /// A factor's value with the bits that a type's elements can tell.
  static func rounded(_ value: Double, for target: DType) -> Float {
    let unused: UInt32 =
      switch target {
      case .f64, .f32: 0
      case .f16: 8
      default: 16
      }
    let single = Float(value)
    guard unused > 0, single.isFinite else { return single.isFinite ? single : 0 }
    let bits = single.bitPattern
    let half: UInt32 = 1 << (unused - 1)
    let rounded = Float(bitPattern: ((bits &+ half) >> unused) << unused)
    return rounded.isFinite ? rounded : 0
  }
}

/// Solves weighted least squares of a few unknowns by the normal equations.
struct WeightedSolver {
  private let rank: Int
  private let kernels: ckernels_prediction
  private let toldPart: Double
  private var squares: [Double]
  private var products: [Double]
  private var chosen: [Int] = []
  private var rows: [Double] = []
  private var values: [Double] = []
  private var weights: [Double] = []

  /// Begins; a direction of which values tell less than `toldPart` of what they tell of others
  /// gets 0.
  init(rank: Int, _ kernels: ckernels_prediction, toldPart: Double = 0x1p-40) {
    self.rank = rank
    self.kernels = kernels
    self.toldPart = toldPart
    squares = [Double](repeating: 0, count: rank * rank)
    products = [Double](repeating: 0, count: rank)
  }

  /// The factors of the basis' rows whose sum is nearest to some values.
  ///
  /// Where there are many values some are used.
  ///
  /// - Parameters:
  ///   - basis: `rank` rows of `stride` values.
  ///   - stride: The values of a row.
  ///   - column: The column of the first value.
  ///   - values: A row's values from that column on.
  ///   - weights: How much each counts.
  /// - Returns: One factor a row of the basis.
  mutating func solve(
    _ basis: [Double], stride: Int, from column: Int, _ values: ArraySlice<Double>,
    _ weights: ArraySlice<Double>
  ) -> [Double] {
    choose(weights)
    let count = chosen.count
    self.values.removeAll(keepingCapacity: true)
    self.weights.removeAll(keepingCapacity: true)
    rows.removeAll(keepingCapacity: true)
    for index in chosen {
      self.values.append(values[values.startIndex + index])
      self.weights.append(weights[weights.startIndex + index])
    }
    for k in 0..<rank {
      let start = k * stride + column
      for index in chosen { rows.append(basis[start + index]) }
    }
    for index in squares.indices { squares[index] = 0 }
    for index in products.indices { products[index] = 0 }
    kernels.normal_equations(
      rows, rank, count, self.weights, self.values, count, &squares, &products)
    return solveSquares()
  }

  /// Chooses all values that weigh anything, or if there are many some of them, evenly spread.
  ///
  /// Half are of those that weigh most and half of all: what did not move at all may weigh most.
  private mutating func choose(_ weights: ArraySlice<Double>) {
    let wanted = max(64, min(16 * rank, 256 + 4 * rank))
    chosen = weights.indices.filter { weights[$0] > 0 }.map { $0 - weights.startIndex }
    guard weights.count > 2 * wanted, chosen.count > wanted else { return }
    func exponent(_ index: Int) -> Int { Int(weights[weights.startIndex + index].bitPattern >> 52) }
    var counts = [Int](repeating: 0, count: 2048)
    for index in chosen { counts[exponent(index)] += 1 }
    var sum = 0
    let least = counts.indices.reversed().first { exponent in
      sum += counts[exponent]
      return sum >= wanted / 2
    }
    let most = chosen.filter { exponent($0) >= least ?? 0 }
    // Every second place of each, not the same where they are the same.
    chosen =
      (0..<wanted / 2).map { most[2 * $0 * most.count / wanted] }
      + (0..<wanted / 2).map { chosen[(2 * $0 + 1) * chosen.count / wanted] }
  }

  /// Cholesky's decomposition; a direction that the values tell too little of gets 0.
  private mutating func solveSquares() -> [Double] {
    let scale = (0..<rank).reduce(0) { max($0, squares[$1 * rank + $1]) }
    guard scale > 0, scale.isFinite else { return [Double](repeating: 0, count: rank) }
    for k in 0..<rank {
      for l in 0...k {
        var sum = squares[k * rank + l]
        for m in 0..<l { sum -= squares[k * rank + m] * squares[l * rank + m] }
        if k == l {
          squares[k * rank + k] = sum > scale * toldPart ? sum.squareRoot() : .infinity
        } else {
          squares[k * rank + l] = sum / squares[l * rank + l]
        }
      }
    }
    var solution = products
    for k in 0..<rank {
      for l in 0..<k { solution[k] -= squares[k * rank + l] * solution[l] }
      solution[k] /= squares[k * rank + k]
    }
    for k in (0..<rank).reversed() {
      for l in k + 1..<max(rank, k + 1) { solution[k] -= squares[l * rank + k] * solution[l] }
      solution[k] /= squares[k * rank + k]
    }
    return solution
  }
}
