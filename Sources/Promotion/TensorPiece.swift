import Foundation
import Weights

/// Consecutive elements of a tensor.
struct TensorPiece: Sendable {
  let bytes: [UInt8]
  let dtype: DType
  /// The index of the first element in its tensor.
  let start: Int

  /// The index after the last element.
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

  /// Whether elements have the bytes of another piece's at the same indices, of the same type.
  func equals(_ other: TensorPiece, in range: Range<Int>) -> Bool {
    withBytes(of: range) { x in other.withBytes(of: range) { y in Self.equal(x, y) } }
  }

  /// Whether all elements of a range have the bytes of this one.
  func repeats(_ element: [UInt8], in range: Range<Int>) -> Bool {
    withBytes(of: range) { bytes in
      let width = element.count
      guard bytes.count >= width else { return true }
      // Bytes that equal themselves one element on repeat their first element.
      return element.elementsEqual(bytes[..<width])
        && Self.equal(
          UnsafeRawBufferPointer(rebasing: bytes[width...]),
          UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - width)]))
    }
  }

  private static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
    return a.count == b.count && memcmp(first, second, a.count) == 0
  }
}
