import Foundation
import Weights

/// What one pass over a float tensor says: values that are not finite and, beside another tensor, their likeness.
struct TensorSums {
  /// Consecutive elements of a tensor.
  struct Piece {
    let bytes: [UInt8]
    let dtype: DType
    /// The index of the first element in its tensor.
    let start: Int

    var end: Int { start + bytes.count / dtype.sizeBytes }

    /// The bytes of elements that lie inside the piece.
    func withBytes<Result>(
      of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
      let width = dtype.sizeBytes
      return bytes.withUnsafeBytes {
        body(
          UnsafeRawBufferPointer(
            rebasing: $0[(range.lowerBound - start) * width..<(range.upperBound - start) * width]))
      }
    }
  }

  /// Values of the tensor that are not finite.
  private(set) var nonFiniteCount = 0
  /// The sums over the pairs of finite values.
  private(set) var moments = Moments()
  /// Pairs that are left out because a side is not finite.
  private(set) var skippedCount = 0
  /// Whether both sides are equal: in bytes or, of different types, in values.
  private(set) var isEqual = true
  private var own = Constancy()
  private var other = Constancy()

  /// Whether one side of the pairs has one value only.
  var isConstant: Bool { own.isConstant || other.isConstant }

  /// Counts the values of a piece that are not finite.
  mutating func addValues(_ piece: Piece) {
    var values = Moments()
    piece.withBytes(of: piece.start..<piece.end) {
      values.add($0, piece.dtype, $0, piece.dtype)
    }
    nonFiniteCount += values.nonfiniteA
  }

  /// Adds the pairs at equal indices of two pieces, below a limit.
  mutating func addPairs(_ a: Piece, _ b: Piece, below limit: Int) {
    let start = max(a.start, b.start)
    let end = min(a.end, b.end, limit)
    guard start < end else { return }
    a.withBytes(of: start..<end) { x in
      b.withBytes(of: start..<end) { y in
        var sums = Moments()
        sums.add(x, a.dtype, y, b.dtype)
        moments.add(sums)
        let skipped = end - start - sums.count
        skippedCount += skipped
        own.add(x, a.dtype)
        other.add(y, b.dtype)
        guard isEqual else { return }
        isEqual = a.dtype == b.dtype ? Self.equal(x, y) : sums.sumDD == 0 && skipped == 0
      }
    }
  }

  /// Whether all elements that were added have the bytes of the first.
  private struct Constancy {
    private var first: [UInt8]?
    private(set) var isConstant = true

    mutating func add(_ bytes: UnsafeRawBufferPointer, _ dtype: DType) {
      let width = dtype.sizeBytes
      guard isConstant, bytes.count >= width else { return }
      let element = first ?? Array(bytes[..<width])
      first = element
      // Bytes that equal themselves one element on repeat their first element.
      isConstant =
        element.elementsEqual(bytes[..<width])
        && TensorSums.equal(
          UnsafeRawBufferPointer(rebasing: bytes[width...]),
          UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - width)]))
    }
  }

  private static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
    return a.count == b.count && memcmp(first, second, a.count) == 0
  }
}
