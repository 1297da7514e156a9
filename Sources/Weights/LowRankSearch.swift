import CKernels

/// Finds the column factor of a matrix from rows of all of its parts.
package struct LowRankSearch {
  private static let elementsMax = 1 << 21

  private let matrix: LowRankMatrix
  private let kernels: ckernels_prediction
  /// Rows of differences, and their weights.
  private var values: [Double] = []
  private var weights: [Double] = []

  private var rowCount: Int { values.count / matrix.columns }

  /// The rows that are looked at; some of each part are enough.
  package var rowsWanted: Int { min(matrix.rows, max(1, Self.elementsMax / matrix.columns)) }

  /// Begins a search.
  package init(_ matrix: LowRankMatrix, kernels: PredictionKernels = .best) {
    self.matrix = matrix
    self.kernels = kernels.functions
  }

  /// About the rank by which a part differs from its base, from a few dozen rows and columns.
  ///
  /// - Returns: Nil when it is not low, or what differs is hardly more than rounding does.
  package func screen(_ part: LowRankMatrix.Part) -> Int? {
    LowRankScreen(matrix, part, kernels)?.rank(kernels)
  }

  /// Takes rows of a part, evenly spread, not more than asked for.
  package mutating func add(_ part: LowRankMatrix.Part, rowsMax: Int) {
    let whole = matrix.wholeRows(of: part)
    let count = min(whole.count, rowsMax, rowsWanted - rowCount)
    guard count > 0 else { return }
    let start = values.count
    let columns = matrix.columns
    values += [Double](repeating: 0, count: count * columns)
    weights += [Double](repeating: 0, count: count * columns)
    values.withUnsafeMutableBufferPointer { values in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let values = values.baseAddress, let weights = weights.baseAddress else { return }
        for index in 0..<count {
          let first = whole.firstElement + index * whole.count / count * columns
          let place = start + index * columns
          matrix.differences(
            part, first..<first + columns, into: values + place, weights: weights + place, kernels)
        }
      }
    }
  }

  /// The factor of the rows that were taken.
  ///
  /// - Parameter guess: About the rank.
  /// - Returns: Nil when their rank is not low.
  package func factor(guess: Int) -> LowRankFactor? {
    let limit = min(matrix.rankLimit, rowCount - 1)
    let tried = min(limit + 4, 2 * guess + 8, rowCount)
    guard limit > 0, tried > 0 else { return nil }
    var basis = randomSums(tried)
    orthonormalize(&basis, tried)
    basis = sums(of: products(with: basis, tried), tried)
    orthonormalize(&basis, tried)
    guard let (rank, first) = principal(basis, tried), rank <= limit else { return nil }
    basis = first
    // A second round gains a little, and of many factors costs a lot.
    for _ in 0..<(rank > 32 ? 1 : 2) { basis = refined(basis, rank) }
    orthonormalize(&basis, rank)
    let scale = Double(matrix.columns).squareRoot()  // values of the size of 1
    let factor = basis.map { LowRankFactor.rounded($0 * scale, for: matrix.cast.target) }
    return LowRankFactor(matrix: matrix, rank: rank, values: factor)
  }

  /// Sums of all rows with signs that are as good as random: they reach all directions there are.
  private func randomSums(_ count: Int) -> [Double] {
    let columns = matrix.columns
    var sums = [Double](repeating: 0, count: count * columns)
    for row in 0..<rowCount {
      for k in 0..<count {
        var bits = UInt64(row) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(k + 1) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ bits >> 31) &* 0x94d0_49bb_1331_11eb
        add(bits >> 63 == 0 ? 1 : -1, values, row * columns, to: &sums, k * columns)
      }
    }
    return sums
  }

  /// Makes rows orthogonal and of length 1, twice, for the first time leaves rounding errors; a row
  /// that is a sum of those before it becomes zero.
  private func orthonormalize(_ rows: inout [Double], _ count: Int) {
    let columns = matrix.columns
    rows.withUnsafeMutableBufferPointer { rows in
      guard let start = rows.baseAddress else { return }
      for k in 0..<count + count {
        let row = start + k % count * columns
        let before = kernels.dot(row, row, columns)
        for l in 0..<k % count {
          let other = start + l * columns
          kernels.add_scaled(-kernels.dot(row, other, columns), other, columns, row)
        }
        let square = kernels.dot(row, row, columns)
        let scale = square > before * 0x1p-80 ? 1 / square.squareRoot() : 0
        for index in 0..<columns { row[index] *= scale }
      }
    }
  }

  /// The products of every row with each of a basis.
  private func products(with basis: [Double], _ count: Int) -> [Double] {
    let columns = matrix.columns
    return (0..<rowCount * count).map { index in
      dot(values, index / count * columns, basis, index % count * columns)
    }
  }

  /// The sums of all rows by their products.
  private func sums(of products: [Double], _ count: Int) -> [Double] {
    let columns = matrix.columns
    var sums = [Double](repeating: 0, count: count * columns)
    for row in 0..<rowCount {
      for k in 0..<count {
        add(products[row * count + k], values, row * columns, to: &sums, k * columns)
      }
    }
    return sums
  }

  /// The directions in which the rows reach further than rounding would; nil when they all are, for
  /// then there are more.
  private func principal(_ basis: [Double], _ count: Int) -> (rank: Int, basis: [Double])? {
    let columns = matrix.columns
    let products = products(with: basis, count)
    var squares = [Double](repeating: 0, count: count * count)
    for row in 0..<rowCount {
      for k in 0..<count {
        for l in 0..<count {
          squares[k * count + l] += products[row * count + k] * products[row * count + l]
        }
      }
    }
    let (lengths, directions) = SymmetricMatrix.eigen(squares, count)
    let noise = weights.reduce(0) { $1 > 0 ? $0 + 1 / $1 : $0 } / Double(weights.count) / 6
    let reach = Double(rowCount).squareRoot() + Double(columns).squareRoot()
    // What is left over says how far rounding reaches, where less was rounded than is thought.
    let edge = noise * reach * reach
    let limit = min(2 * edge, max(3 * (lengths.min() ?? 0), edge / 8))
    let order = lengths.indices.sorted { lengths[$0] > lengths[$1] }
      .prefix { lengths[$0] > limit }
    guard !order.isEmpty, order.count < count else { return nil }
    var found = [Double](repeating: 0, count: order.count * columns)
    for (k, direction) in order.enumerated() {
      for l in 0..<count {
        add(directions[l * count + direction], basis, l * columns, to: &found, k * columns)
      }
    }
    return (order.count, found)
  }

  /// A basis that fits the rows better: each row's factors are solved for, then each column's.
  private func refined(_ basis: [Double], _ rank: Int) -> [Double] {
    let columns = matrix.columns
    var solver = WeightedSolver(rank: rank, kernels)
    var factors = [Double](repeating: 0, count: rank * rowCount)
    for row in 0..<rowCount {
      let range = row * columns..<(row + 1) * columns
      let solved = solver.solve(basis, stride: columns, from: 0, values[range], weights[range])
      for k in 0..<rank { factors[k * rowCount + row] = solved[k] }
    }
    var refined = basis
    var column = [Double](repeating: 0, count: rowCount)
    var columnWeights = column
    for index in 0..<columns {
      for row in 0..<rowCount {
        column[row] = values[row * columns + index]
        columnWeights[row] = weights[row * columns + index]
      }
      let solved = solver.solve(factors, stride: rowCount, from: 0, column[...], columnWeights[...])
      for k in 0..<rank { refined[k * columns + index] = solved[k] }
    }
    return refined
  }

  private func dot(_ x: [Double], _ xStart: Int, _ y: [Double], _ yStart: Int) -> Double {
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return 0 }
        return kernels.dot(x + xStart, y + yStart, matrix.columns)
      }
    }
  }

  private func add(
    _ factor: Double, _ x: [Double], _ xStart: Int, to y: inout [Double], _ yStart: Int
  ) {
    y.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        kernels.add_scaled(factor, x + xStart, matrix.columns, y + yStart)
      }
    }
  }
}

/// Eigenvalues of small symmetric matrices (Jacobi's rotations).
enum SymmetricMatrix {
  /// The eigenvalues, and the eigenvectors as columns.
  static func eigen(_ matrix: [Double], _ size: Int) -> (values: [Double], vectors: [Double]) {
    var a = matrix
    var v = (0..<size * size).map { $0 / size == $0 % size ? 1.0 : 0.0 }
    for _ in 0..<12 {
      for p in 0..<size {
        for q in p + 1..<max(size, p + 1) where a[p * size + q] != 0 {
          let theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q])
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let c = 1 / (t * t + 1).squareRoot()
          let s = t * c
          for k in 0..<size {
            (a[k * size + p], a[k * size + q]) = (
              c * a[k * size + p] - s * a[k * size + q], s * a[k * size + p] + c * a[k * size + q]
            )
          }
          for k in 0..<size {
            (a[p * size + k], a[q * size + k]) = (
              c * a[p * size + k] - s * a[q * size + k], s * a[p * size + k] + c * a[q * size + k]
            )
            (v[k * size + p], v[k * size + q]) = (
              c * v[k * size + p] - s * v[k * size + q], s * v[k * size + p] + c * v[k * size + q]
            )
          }
        }
      }
    }
    return ((0..<size).map { a[$0 * size + $0] }, v)
  }
}
