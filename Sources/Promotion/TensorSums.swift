import CKernels
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

    /// Converts elements exactly; the range must lie inside the piece.
    func convert(_ range: Range<Int>, into out: UnsafeMutableBufferPointer<Double>) {
      bytes.withUnsafeBytes { bytes in
        let elements = UnsafeRawBufferPointer(
          rebasing: bytes[((range.lowerBound - start) * dtype.sizeBytes)...])
        guard let from = elements.baseAddress?.assumingMemoryBound(to: UInt8.self),
          let to = out.baseAddress
        else { return }
        ckernels_to_double(Int32(dtype.rawValue), from, range.count, to)
      }
    }
  }

  /// Values of the tensor that are not finite.
  private(set) var nonFiniteCount = 0
  /// Pairs that are left out because a side is not finite.
  private(set) var skippedCount = 0
  /// Whether the values of every pair are equal.
  private(set) var isEqual = true
  /// The sums over its pairs.
  private(set) var pairs = PairSums()
  private var left = Constancy()
  private var right = Constancy()

  /// Whether one side has one value only.
  var isConstant: Bool { left.isConstant || right.isConstant }

  /// Counts the values of a piece that are not finite.
  mutating func addValues(_ piece: Piece) {
    Self.forEachSlice(piece.start..<piece.end) { slice, values, _ in
      piece.convert(slice, into: values)
      for index in 0..<slice.count where !values[index].isFinite { nonFiniteCount += 1 }
    }
  }

  /// Adds the pairs at equal indices of two pieces, below a limit.
  mutating func addPairs(_ a: Piece, _ b: Piece, below limit: Int) {
    let start = max(a.start, b.start)
    let end = min(a.end, b.end, limit)
    guard start < end else { return }
    Self.forEachSlice(start..<end) { slice, x, y in
      a.convert(slice, into: x)
      b.convert(slice, into: y)
      add(UnsafeBufferPointer(rebasing: x[..<slice.count]), UnsafeBufferPointer(y))
    }
  }

  private mutating func add(
    _ x: UnsafeBufferPointer<Double>, _ y: UnsafeBufferPointer<Double>
  ) {
    guard let xBase = x.baseAddress, let yBase = y.baseAddress else { return }
    var sums = ckernels_sums()
    ckernels_moments(xBase, yBase, x.count, &sums)
    pairs.add(PairSums(sums))
    skippedCount += x.count - Int(sums.count)
    left.add(x)
    right.add(UnsafeBufferPointer(rebasing: y[..<x.count]))
    if isEqual { isEqual = (0..<x.count).allSatisfy { x[$0] == y[$0] } }
  }

  private static let sliceCount = 4096  // two buffers of 32 KiB stay in the second-level cache

  private typealias Buffer = UnsafeMutableBufferPointer<Double>

  /// Calls a body with consecutive ranges of at most `sliceCount` elements and two buffers of that size.
  private static func forEachSlice(
    _ range: Range<Int>, _ body: (Range<Int>, Buffer, Buffer) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * sliceCount) { buffer in
      let first = Buffer(rebasing: buffer[..<sliceCount])
      let second = Buffer(rebasing: buffer[sliceCount...])
      for start in stride(from: range.lowerBound, to: range.upperBound, by: sliceCount) {
        body(start..<min(start + sliceCount, range.upperBound), first, second)
      }
    }
  }

  /// Whether all values that were added are one value.
  private struct Constancy {
    private var first: Double?
    private(set) var isConstant = true

    mutating func add(_ values: UnsafeBufferPointer<Double>) {
      guard isConstant, let value = first ?? values.first else { return }
      first = value
      isConstant = values.allSatisfy { $0 == value }
    }
  }
}
