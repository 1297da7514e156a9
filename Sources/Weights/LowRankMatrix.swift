import CKernels

/// A tensor as a matrix, row after row, that may differ from its base by a matrix of low rank.
package struct LowRankMatrix: Sendable, Equatable {
  /// The rows of the whole matrix.
  package let rows: Int
  /// The columns.
  package let columns: Int
  /// The types of the base's and of the matrix's elements.
  package let cast: Prediction.Cast

  /// The largest rank that is looked for.
  static let rankMax = 64

  /// Takes a tensor: its first dimension has the rows; of three dimensions the first two have.
  ///
  /// - Returns: Nil for what is no matrix, or one that factors would hardly be smaller than.
  package init?(shape: [Int], cast: Prediction.Cast) {
    guard (2...4).contains(shape.count), shape.allSatisfy({ $0 > 0 }) else { return nil }
    let rowDimensions = shape.count == 3 ? 2 : 1
    var sizes = [1, 1]
    for (index, dimension) in shape.enumerated() {
      let side = index < rowDimensions ? 0 : 1
      let (size, overflows) = sizes[side].multipliedReportingOverflow(by: dimension)
      if overflows { return nil }
      sizes[side] = size
    }
    (rows, columns) = (sizes[0], sizes[1])
    self.cast = cast
    guard rankLimit > 0 else { return nil }
  }

  /// Factors of more than this rank are not worth it, or have no room.
  var rankLimit: Int {
    guard columns <= Prediction.factorCountMax else { return 0 }
    let worth = Double(rows) * Double(columns) / (8 * (Double(rows) + Double(columns)))
    return min(Self.rankMax, Prediction.factorCountMax / columns, Int(min(worth, 1000)))
  }

  /// Consecutive elements of the matrix and what stands for them in the base.
  package struct Part {
    /// The elements.
    package let content: UnsafeRawBufferPointer
    /// Those of the base, of the source type; what it lacks is zero.
    package let base: UnsafeRawBufferPointer
    /// The first element's place in the matrix.
    package let first: Int

    /// Takes a chunk and its base.
    package init(content: UnsafeRawBufferPointer, base: UnsafeRawBufferPointer, first: Int) {
      self.content = content
      self.base = base
      self.first = first
    }
  }

  /// How many elements a part has, and its whole rows.
  func wholeRows(of part: Part) -> (count: Int, firstElement: Int) {
    let elements = elementCount(of: part)
    let firstElement = (columns - part.first % columns) % columns
    return (max(0, elements - firstElement) / columns, firstElement)
  }

  /// The elements of a part that its base has too.
  func elementCount(of part: Part) -> Int {
    min(
      part.content.count / cast.target.sizeBytes,
      part.base.count / cast.source.sizeBytes - min(cast.start, part.base.count))
  }

  /// Writes the differences of some elements and the weights of these: one over the square of how
  /// far off a difference may be, since a value was rounded, and what was added to it too.
  ///
  /// - Returns: How many more zeros of the base are zero here than are not.
  @discardableResult
  func differences(
    _ part: Part, _ range: Range<Int>, into values: UnsafeMutablePointer<Double>,
    weights: UnsafeMutablePointer<Double>, _ kernels: ckernels_prediction
  ) -> Int {
    guard let content = part.content.baseOfBytes, let base = part.base.baseOfBytes else {
      return 0
    }
    let (source, target) = (cast.source, cast.target)
    kernels.values(
      Int32(source.rawValue), base + (cast.start + range.lowerBound) * source.sizeBytes,
      range.count, weights)
    kernels.values(
      Int32(target.rawValue), content + range.lowerBound * target.sizeBytes, range.count, values)
    let (fractionBits, exponentMin) = target.precision
    let sumPrecision = target == .f64 ? 0x1p-104 : 0x1p-46
    var keptZeros = 0
    for index in 0..<range.count {
      let (value, before) = (values[index], weights[index])
      if before == 0 { keptZeros += value == 0 ? 1 : -1 }
      // What was masked says nothing of what was added.
      guard value.isFinite, before.isFinite, value != 0 || before != 0 else {
        values[index] = 0
        weights[index] = 0
        continue
      }
      let difference = value - before
      let exponent = max(value.bitPattern >> 52 & 0x7ff, exponentMin)
      let lastPlace = Double(bitPattern: (exponent - fractionBits) << 52)
      values[index] = difference
      weights[index] = 1 / (lastPlace * lastPlace + difference * difference * sumPrecision)
    }
    return keptZeros
  }
}

extension DType {
  /// The bits of a float's fraction, and the exponent of the least double with all of them; of F64
  /// one whose square is a number.
  fileprivate var precision: (fractionBits: UInt64, exponentMin: UInt64) {
    switch self {
    case .f64: (52, 1023 - 400)
    case .f32: (23, 1023 - 126)
    case .f16: (10, 1023 - 14)
    case .bf16: (7, 1023 - 126)
    case .f8E5M2: (2, 1023 - 14)
    default: (3, 1023 - 6)
    }
  }
}
