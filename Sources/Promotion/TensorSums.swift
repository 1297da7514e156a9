import Weights

/// What one pass over a float tensor says: values not finite and likeness to another tensor.
struct TensorSums {
  /// Values of the tensor that are not finite.
  private(set) var nonFiniteCount = 0
  /// The sums over the pairs of finite values.
  private(set) var moments = Moments()
  /// Pairs that are left out because a side is not finite.
  private(set) var skippedCount = 0
  /// Whether both sides are equal: in bytes or, of different types, in values.
  private(set) var isEqual = true
  /// Whether one side of the pairs has one value only.
  var isConstant: Bool { ownIsConstant || otherIsConstant }

  private var ownIsConstant = true
  private var otherIsConstant = true
  /// The bytes of the first element of each side.
  private var firsts: (own: [UInt8], other: [UInt8])?

  /// Adds a piece of the tensor and the pairs at equal indices of the other tensor's pieces.
  ///
  /// - Parameters:
  ///   - piece: Of the tensor.
  ///   - others: Of the other tensor, consecutive, from the piece's start or before; may be none.
  ///   - limit: The index at which the common part of both tensors ends.
  /// - Throws: Nothing of its own.
  mutating func add(
    _ piece: TensorPiece, beside others: [TensorPiece], below limit: Int
  ) throws {
    var covered = piece.start
    for other in others {
      let end = min(piece.end, other.end, limit)
      guard covered < end else { continue }
      try addPairs(piece, other, covered..<end)
      covered = end
    }
    nonFiniteCount += try Self.parts(of: covered..<piece.end) { range in
      Self.moments(piece, piece, range).nonfiniteA
    }.reduce(0, +)
  }

  private mutating func addPairs(
    _ a: TensorPiece, _ b: TensorPiece, _ range: Range<Int>
  ) throws {
    let first = range.lowerBound..<range.lowerBound + 1
    let firsts =
      self.firsts
      ?? (own: a.withBytes(of: first, Array.init), other: b.withBytes(of: first, Array.init))
    self.firsts = firsts
    let (ownSoFar, otherSoFar) = (ownIsConstant, otherIsConstant)
    let parts = try Self.parts(of: range) { range in
      let sums = Self.moments(a, b, range)
      let isEqual = a.dtype == b.dtype ? a.equals(b, in: range) : sums.sumDD == 0
      return Part(
        moments: sums, isEqual: isEqual,
        ownIsConstant: ownSoFar && a.repeats(firsts.own, in: range),
        otherIsConstant: otherSoFar && b.repeats(firsts.other, in: range))
    }
    for part in parts {
      moments.add(part.moments)
      nonFiniteCount += part.moments.nonfiniteA
      isEqual = isEqual && part.isEqual
      ownIsConstant = ownIsConstant && part.ownIsConstant
      otherIsConstant = otherIsConstant && part.otherIsConstant
    }
    let skipped = range.count - parts.reduce(0) { $0 + $1.moments.count }
    skippedCount += skipped
    if a.dtype != b.dtype && skipped > 0 { isEqual = false }
  }

  private struct Part: Sendable {
    let moments: Moments
    let isEqual: Bool
    let ownIsConstant: Bool
    let otherIsConstant: Bool
  }

  private static let partCount = 1 << 16  // a quarter of a chunk keeps two to four cores busy

  /// Works on parts of a range on all cores; results come in order, so that sums never vary.
  private static func parts<Element: Sendable>(
    of range: Range<Int>, _ body: @Sendable (Range<Int>) -> Element
  ) throws -> [Element] {
    let starts = Array(stride(from: range.lowerBound, to: range.upperBound, by: partCount))
    return try Parallel.map(starts.count) {
      body(starts[$0]..<min(starts[$0] + partCount, range.upperBound))
    }
  }

  private static func moments(_ a: TensorPiece, _ b: TensorPiece, _ range: Range<Int>) -> Moments {
    var moments = Moments()
    a.withBytes(of: range) { x in
      b.withBytes(of: range) { y in moments.add(x, a.dtype, y, b.dtype) }
    }
    return moments
  }
}
