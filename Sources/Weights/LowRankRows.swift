import CKernels

/// Rows of differences; a value without a weight is not known.
struct LowRankRows {
  let columns: Int
  private let kernels: ckernels_prediction
  private(set) var values: [Double] = []
  /// One over the square of how far off each value may be; 0 where it is not known.
  private(set) var weights: [Double] = []

  init(columns: Int, _ kernels: ckernels_prediction) {
    self.columns = columns
    self.kernels = kernels
  }

  var count: Int { values.count / columns }
  var isComplete: Bool { !weights.contains(0) }

  /// Appends rows that the body fills in.
  mutating func append(
    _ count: Int, _ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) {
    let start = values.count
    values += [Double](repeating: 0, count: count * columns)
    weights += [Double](repeating: 0, count: count * columns)
    values.withUnsafeMutableBufferPointer { values in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let values = values.baseAddress, let weights = weights.baseAddress else { return }
        body(values + start, weights + start)
      }
    }
  }

  /// Takes the last row back if it differs nowhere.
  mutating func dropLastIfZero() {
    guard !values.suffix(columns).contains(where: { $0 != 0 }) else { return }
    values.removeLast(columns)
    weights.removeLast(columns)
  }

  /// Not more than so many rows, evenly spread.
  private func spread(_ countMax: Int) -> LowRankRows {
    guard count > countMax else { return self }
    var rows = LowRankRows(columns: columns, kernels)
    for index in 0..<countMax {
      let start = index * count / countMax * columns
      rows.values += values[start..<start + columns]
      rows.weights += weights[start..<start + columns]
    }
    return rows
  }
}

/// Directions of rows.
extension LowRankRows {
  /// Directions in which the rows reach far: sums of random sums, orthonormal.
  private func range(_ count: Int) -> [Double] {
    var basis = randomSums(count)
    orthonormalize(&basis, count, columns)
    basis = sums(of: products(with: basis, count), count)
    orthonormalize(&basis, count, columns)
    return basis
  }

  /// Sums of all rows with signs that are as good as random: they reach all directions there are.
  private func randomSums(_ count: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: count * columns)
    for row in 0..<self.count {
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
  func orthonormalize(_ rows: inout [Double], _ count: Int, _ width: Int) {
    rows.withUnsafeMutableBufferPointer { rows in
      guard let start = rows.baseAddress else { return }
      for k in 0..<count + count {
        let row = start + k % count * width
        let before = kernels.dot(row, row, width)
        for l in 0..<k % count {
          let other = start + l * width
          kernels.add_scaled(-kernels.dot(row, other, width), other, width, row)
        }
        let square = kernels.dot(row, row, width)
        let scale = square > before * 0x1p-80 ? 1 / square.squareRoot() : 0
        for index in 0..<width { row[index] *= scale }
      }
    }
  }

  /// The products of every row with each of a basis.
  private func products(with basis: [Double], _ count: Int) -> [Double] {
    (0..<self.count * count).map { index in
      dot(values, index / count * columns, basis, index % count * columns)
    }
  }

  /// The sums of all rows by their products.
  private func sums(of products: [Double], _ count: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: count * columns)
    for row in 0..<self.count {
      for k in 0..<count {
        add(products[row * count + k], values, row * columns, to: &sums, k * columns)
      }
    }
    return sums
  }

  /// The directions in which rows that are all known reach further than rounding would, of so many
  /// that are tried; nil when they all are, for then there are more.
  func principal(tried count: Int) -> (rank: Int, basis: [Double])? {
    let basis = range(count)
    let products = products(with: basis, count)
    var squares = [Double](repeating: 0, count: count * count)
    for row in 0..<self.count {
      for k in 0..<count {
        for l in 0..<count {
          squares[k * count + l] += products[row * count + k] * products[row * count + l]
        }
      }
    }
    let (lengths, directions) = SymmetricMatrix.eigen(squares, count)
    // What is left over says how far rounding reaches, where less was rounded than is thought.
    let edge = edge
    let limit = min(2 * edge, max(3 * (lengths.min() ?? 0), edge / 8))
    let order = lengths.indices.sorted { lengths[$0] > lengths[$1] }
      .prefix { lengths[$0] > limit }
    guard !order.isEmpty, order.count < count else { return nil }
    return (order.count, combined(basis, count, by: directions, order))
  }

  /// How far rounding reaches: the largest square of a length that noise of its size has.
  private var edge: Double {
    let known = weights.count { $0 > 0 }
    let noise = weights.reduce(0) { $1 > 0 ? $0 + 1 / $1 : $0 } / Double(max(1, known)) / 6
    return noise * reachSquared
  }

  private var reachSquared: Double {
    let reach = Double(count).squareRoot() + Double(columns).squareRoot()
    return reach * reach
  }

  private func combined(
    _ basis: [Double], _ count: Int, by directions: [Double], _ order: ArraySlice<Int>
  ) -> [Double] {
    var found = [Double](repeating: 0, count: order.count * columns)
    for (k, direction) in order.enumerated() {
      for l in 0..<count {
        add(directions[l * count + direction], basis, l * columns, to: &found, k * columns)
      }
    }
    return found
  }

  private func dot(_ x: [Double], _ xStart: Int, _ y: [Double], _ yStart: Int) -> Double {
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return 0 }
        return kernels.dot(x + xStart, y + yStart, columns)
      }
    }
  }

  private func add(
    _ factor: Double, _ x: [Double], _ xStart: Int, to y: inout [Double], _ yStart: Int
  ) {
    y.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        kernels.add_scaled(factor, x + xStart, columns, y + yStart)
      }
    }
  }
}

/// Fits of a basis and factors, in turns, to what is known.
extension LowRankRows {
  /// A row that tells less than this part of what it tells of others does not decide a direction:
  /// else one that is hardly more than an unknown value would be made up.
  private static let toldPart = 0.1
  private static let roundsMax = 24
  private static let fittedRowsMax = 1024
  /// So many times the length that noise as large as what is left has is a direction.
  private static let directionSquared = 36.0

  /// A basis that fits the rows better: each row's factors are solved for, then each column's.
  func refined(_ basis: [Double], _ rank: Int) -> [Double] {
    var solver = WeightedSolver(rank: rank, kernels)
    let factors = factors(basis, rank, weights, &solver)
    return self.basis(factors, rank, weights, &solver)
  }

  /// The directions of rows of which some values are not known, of so many that are tried.
  ///
  /// Where a value is not known it is as if it were what the others say; all count the same.
  ///
  /// - Returns: Nil when what is left of the known values is more than a tenth of them.
  func fitted(tried: Int) -> (rank: Int, basis: [Double])? {
    let rows = spread(Self.fittedRowsMax)
    let weights = rows.weights.map { $0 > 0 ? 1.0 : 0 }
    let edge = rows.edge
    var (rank, basis) = (tried, rows.range(tried))
    while true {
      guard let (error, found) = rows.fit(basis, rank, weights) else { return nil }
      let (lengths, directions) = SymmetricMatrix.eigen(rows.squares(found, rank), rank)
      let limit = max(2 * edge, Self.directionSquared * error * rows.reachSquared)
      let order = lengths.indices.sorted { lengths[$0] > lengths[$1] }
        .prefix { lengths[$0] > limit }
      guard !order.isEmpty else { return nil }
      let isSame = order.count == rank
      basis = rows.combined(found, rank, by: directions, order)
      rank = order.count
      if isSame { return (rank, basis) }
    }
  }

  /// Fits for as long as what is left becomes less; nil when it does not become little.
  ///
  /// - Returns: The mean square of what is left; a basis whose factors are orthonormal.
  private func fit(
    _ start: [Double], _ rank: Int, _ known: [Double]
  ) -> (error: Double, basis: [Double])? {
    var solver = WeightedSolver(rank: rank, kernels, toldPart: Self.toldPart)
    let knownCount = known.reduce(0, +)
    let whole = kernels.dot(values, values, values.count) / knownCount
    var (error, basis) = (whole, start)
    for round in 0..<Self.roundsMax {
      orthonormalize(&basis, rank, columns)
      var factors = factors(basis, rank, known, &solver)
      orthonormalize(&factors, rank, count)
      basis = self.basis(factors, rank, known, &solver)
      let left = squaresLeft(factors, basis, rank, known) / knownCount
      // Most differences have no low rank: the first round tells.
      if round == 0, left > whole / 8 { return nil }
      let isLess = left < error / 2
      error = min(left, error)
      if !isLess { break }
    }
    return error < whole / 100 ? (error, basis) : nil
  }

  /// The products of a basis' rows with each other.
  private func squares(_ basis: [Double], _ count: Int) -> [Double] {
    (0..<count * count).map { dot(basis, $0 / count * columns, basis, $0 % count * columns) }
  }

  /// The factors of each row as `rank` rows of their own.
  private func factors(
    _ basis: [Double], _ rank: Int, _ weights: [Double], _ solver: inout WeightedSolver
  ) -> [Double] {
    var factors = [Double](repeating: 0, count: rank * count)
    for row in 0..<count {
      let range = row * columns..<(row + 1) * columns
      let solved = solver.solve(basis, stride: columns, from: 0, values[range], weights[range])
      for k in 0..<rank { factors[k * count + row] = solved[k] }
    }
    return factors
  }

  /// The basis that fits the rows best with given factors.
  private func basis(
    _ factors: [Double], _ rank: Int, _ weights: [Double], _ solver: inout WeightedSolver
  ) -> [Double] {
    var basis = [Double](repeating: 0, count: rank * columns)
    var column = [Double](repeating: 0, count: count)
    var columnWeights = column
    for index in 0..<columns {
      for row in 0..<count {
        column[row] = values[row * columns + index]
        columnWeights[row] = weights[row * columns + index]
      }
      let solved = solver.solve(factors, stride: count, from: 0, column[...], columnWeights[...])
      for k in 0..<rank { basis[k * columns + index] = solved[k] }
    }
    return basis
  }

  private func squaresLeft(
    _ factors: [Double], _ basis: [Double], _ rank: Int, _ known: [Double]
  ) -> Double {
    var sum = 0.0
    for row in 0..<count {
      var left = Array(values[row * columns..<(row + 1) * columns])
      for k in 0..<rank { add(-factors[k * count + row], basis, k * columns, to: &left, 0) }
      for index in 0..<columns { left[index] *= known[row * columns + index] }
      sum += dot(left, 0, left, 0)
    }
    return sum
  }
}
